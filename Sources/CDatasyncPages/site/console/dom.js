/** Small things for building pages out of elements; nothing here takes HTML as text. */

/**
 * An element with attributes and children. `onclick` and the like take functions, `data-…` and
 * `aria-…` texts; `false`, `null` and `undefined` leave an attribute out.
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Sets a text only where it is another one, so that nothing is announced or laid out twice. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets an attribute, or takes it away where the value is null. */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

/** A key pressed while an input method composes belongs to it, not to the page. */
export function composing(event) {
  return event.isComposing || event.keyCode === 229;
}

/** Calls `run` at most once in `interval` milliseconds, and once more after the last call. */
export function throttled(interval, run) {
  let timer = null;
  let last = -Infinity;
  return () => {
    if (timer !== null) return;
    timer = setTimeout(() => {
      timer = null;
      last = performance.now();
      run();
    }, Math.max(0, last + interval - performance.now()));
  };
}

/** Calls `run` at the next frame, however often it is asked for before. */
export function oncePerFrame(run) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      run();
    });
  };
}

const counting = new Intl.NumberFormat("en");

/** A count with its noun: `1 row`, `1,000 rows`. */
export function count(number, noun) {
  return `${counting.format(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** The time of day of a moment, in UTC as all times here. */
export function clock(moment) {
  const date = moment ? new Date(moment) : new Date();
  return Number.isNaN(date.getTime()) ? "" : `${date.toISOString().slice(11, 19)} UTC`;
}

/** What went wrong, in a line: the reason and the message. */
export function explain(error) {
  const name = error.reason || error.code;
  return name ? `${name}: ${error.message}` : error.message;
}
