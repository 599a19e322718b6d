"""A small plot as SVG text: lines over a logarithmic axis."""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 150, 36, 48
COLOURS = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd"]


def ticks(highest, count=5):
    """Round numbers from 0 past the highest."""
    step = 10 ** math.floor(math.log10(highest / count))
    step *= next(factor for factor in (1, 2, 5, 10) if highest / (step * factor) <= count)
    return [step * n for n in range(math.ceil(highest / step) + 1)]


def power(value):
    """1000 as 1 k, 10000000 as 10 M."""
    for unit, size in (("M", 10**6), ("k", 10**3)):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g}"


def text(x, y, content, anchor="middle", size=12, **more):
    attributes = "".join(f' {name}="{value}"' for name, value in more.items())
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
            f'{attributes}>{escape(content)}</text>')


def line(x1, y1, x2, y2, colour):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


class Axes:
    def __init__(self, xs, highest):
        self.low, self.high = math.log10(min(xs)), math.log10(max(xs))
        self.ticks = ticks(highest)

    def x(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low or 1)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        return HEIGHT - BOTTOM - value / self.ticks[-1] * (HEIGHT - TOP - BOTTOM)


def frame(axes, title, x_name, y_name, xs):
    parts = [text(LEFT, 20, title, anchor="start", size=14),
             text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x_name),
             text(14, (TOP + HEIGHT - BOTTOM) / 2, y_name,
                  transform=f"rotate(-90 14 {(TOP + HEIGHT - BOTTOM) / 2:.0f})")]
    for tick in axes.ticks:
        parts.append(line(LEFT, axes.y(tick), WIDTH - RIGHT, axes.y(tick), "#ddd"))
        parts.append(text(LEFT - 6, axes.y(tick) + 4, f"{tick:g}", anchor="end"))
    for value in xs:
        parts.append(line(axes.x(value), HEIGHT - BOTTOM, axes.x(value), HEIGHT - BOTTOM + 4, "#888"))
        parts.append(text(axes.x(value), HEIGHT - BOTTOM + 18, power(value)))
    return parts


def series(axes, name, points, colour):
    """One line with its points, named at its end."""
    places = [(axes.x(x), axes.y(y)) for x, y in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    last_x, last_y = places[-1]
    return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
            *[f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places],
            text(last_x + 8, last_y + 4, name, anchor="start", fill=colour)]


def plot(title, x_name, y_name, lines):
    """`lines`: name to points (x, y), x above 0."""
    xs = sorted({x for points in lines.values() for x, _ in points})
    axes = Axes(xs, max(y for points in lines.values() for _, y in points))
    parts = frame(axes, title, x_name, y_name, xs)
    for (name, points), colour in zip(lines.items(), COLOURS):
        parts += series(axes, name, points, colour)
    body = "\n".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
            f' font-family="sans-serif">\n'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n{body}\n</svg>\n')
