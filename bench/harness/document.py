"""What the benchmark writes into the documentation, between two marks in it."""

from .build import ROOT

PAGE = ROOT / "docs" / "performance.md"


def marks(name, how):
    return f"<!-- {name}: written by {how} -->", f"<!-- {name} ends -->"


def replace(name, how, text):
    """Puts the text between the marks of that name; a page without them is an error."""
    begin, end = marks(name, how)
    page = PAGE.read_text()
    if page.count(begin) != 1 or page.count(end) != 1:
        raise RuntimeError(f"{PAGE} has no '{begin}' … '{end}'")
    before, rest = page.split(begin)
    _, after = rest.split(end)
    PAGE.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}")
