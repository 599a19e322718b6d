/** Where the rows of a grid stand, and where its keys lead. */

export const ROW_HEIGHT = 30;
export const HEAD_HEIGHT = 34;
/** Browsers lay out nothing higher; longer lists scroll in larger steps. */
const MAX_HEIGHT = 12_000_000;

/** Pixels that so many rows take. */
export function heightOf(rows) {
  return Math.min(rows * ROW_HEIGHT, MAX_HEIGHT);
}

/** Whether a pixel of scrolling is more than a pixel of rows. */
export function isShortened(rows) {
  return rows * ROW_HEIGHT > MAX_HEIGHT;
}

/** How many rows a pixel of scrolling stands for, where `room` pixels are in sight. */
export function rowsPerPixel(rows, room) {
  const scroll = heightOf(rows) - room;
  return scroll > 0 ? Math.max(0, rows - room / ROW_HEIGHT) / scroll : 1 / ROW_HEIGHT;
}

/** Where a key leads from a cell: [index, column], or null; an index under 0 is the head. */
export function targetOf(event, index, column, { columns, rows, page }) {
  const last = columns - 1;
  switch (event.key) {
    case "ArrowDown": return [index + 1, column];
    case "ArrowUp": return [index - 1, column];
    case "ArrowLeft": return [index, Math.max(0, column - 1)];
    case "ArrowRight": return [index, Math.min(last, column + 1)];
    case "Home": return event.ctrlKey ? [0, 0] : [index, 0];
    case "End": return event.ctrlKey ? [rows - 1, last] : [index, last];
    case "PageDown": return [index + page, column];
    case "PageUp": return [Math.max(0, index - page), column];
    default: return null;
  }
}
