/** How a table's columns stand in a grid. */
import { isKept, isNumeric, keyOf, shown } from "./values.js";

const WIDTHS = {
  BOOL: 80, INT64: 90, DOUBLE: 100, DECIMAL: 110, STRING: 240, BYTES: 190, TIMESTAMP: 230, DATE: 110,
  TIME_OF_DAY: 110, UUID: 300, JSON: 240, ENUM: 110,
};

/** The grid's columns for a table: the key, its own fields, and where asked for the kept ones. */
export function columnsOf(table, withKept) {
  const key = keyOf(table);
  const own = table.columns.filter((column) => !isKept(column, table));
  const kept = withKept ? table.columns.filter((column) => isKept(column, table)) : [];
  return [...own, ...kept].map((column) => ({
    name: column.name,
    title: column.name,
    hint: hintOf(column),
    numeric: isNumeric(column) && column.name !== key,
    kept: isKept(column, table),
    width: Math.max(widthOf(column, key), column.name.length * 8 + 34),
    grow: column.type === "STRING" && column.name !== key,
    text: (row, cell) => textOf(row[column.name], column, cell),
  }));
}

function widthOf(column, key) {
  if (column.name === key && column.type === "STRING") return 160;
  return WIDTHS[column.type] ?? 160;
}

function textOf(value, column, cell) {
  cell.classList.toggle("null", value === null || value === undefined);
  if (column.type === "BOOL") cell.classList.toggle("true", value === true);
  return shown(value, column);
}

function hintOf(column) {
  const parts = [column.type.toLowerCase().replaceAll("_", " "), column.nullable ? "nullable" : null,
    column.enumValues?.length ? column.enumValues.join(", ") : null,
    column.storedName ? `stored as ${column.storedName}` : null];
  return parts.filter(Boolean).join("; ");
}
