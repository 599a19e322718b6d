/** How a table's columns stand in a grid. */
import { isKept, isNumeric, keyOf, labelOf, shown } from "./values.js";

const WIDTHS = {
  BOOL: 80, INT64: 90, DOUBLE: 100, DECIMAL: 110, STRING: 240, BYTES: 190, TIMESTAMP: 230, DATE: 110,
  TIME_OF_DAY: 110, UUID: 300, JSON: 240, ENUM: 110,
};

/** What a character takes, and what stands around a text; a head has its arrow besides. */
const CHARACTER = 7.6;
const AROUND = 24;
const ARROW = 20;
const WIDEST = 300;

/**
 * The grid's columns for a table: the key, its own fields, and where asked for the kept ones. They
 * are as wide as the sample of rows wants them, or, where there is none, as their types often are.
 */
export function columnsOf(table, withKept, sample = []) {
  const key = keyOf(table);
  const own = table.columns.filter((column) => !isKept(column, table));
  const kept = withKept ? table.columns.filter((column) => isKept(column, table)) : [];
  return [...own, ...kept].map((column) => ({
    name: column.name,
    title: labelOf(column),
    hint: hintOf(column),
    numeric: isNumeric(column) && column.name !== key,
    kept: isKept(column, table),
    width: Math.max(widthOf(column, key, sample), labelOf(column).length * CHARACTER + AROUND + ARROW),
    grow: column.type === "STRING" && column.name !== key,
    text: (row, cell) => textOf(row[column.name], column, cell),
  }));
}

function widthOf(column, key, sample) {
  if (sample.length > 0) {
    const longest = Math.max(...sample.map((row) => lengthOf(shown(row[column.name], column))));
    return Math.min(longest * CHARACTER + AROUND, column.name === key ? WIDEST / 1.5 : WIDEST);
  }
  if (column.name === key && column.type === "STRING") return 160;
  return WIDTHS[column.type] ?? 160;
}

/** Chinese, Japanese and Korean characters are twice as wide. */
function lengthOf(text) {
  return text.length + (text.match(/[\u1100-\uffdc]/g)?.length ?? 0);
}

function textOf(value, column, cell) {
  cell.classList.toggle("null", value === null || value === undefined);
  if (column.type === "BOOL") cell.classList.toggle("true", value === true);
  return shown(value, column);
}

function hintOf(column) {
  const parts = [column.type.toLowerCase().replaceAll("_", " "), column.nullable ? "nullable" : null,
    column.enumValues?.length ? column.enumValues.join(", ") : null,
    column.storedName ? `in filters ${column.name}` : null];
  return parts.filter(Boolean).join("; ");
}
