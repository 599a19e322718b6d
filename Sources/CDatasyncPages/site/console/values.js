/** Values of columns as people read and write them. */

const MAX_SHOWN = 200;

/** Whether a column's values stand at the right. */
export function isNumeric(column) {
  return column.type === "INT64" || column.type === "DOUBLE" || column.type === "DECIMAL";
}

/** A column's name as the database has it; `name` is its field's, which filters use. */
export function labelOf(column) {
  return column.storedName || column.name;
}

/** A value as a cell shows it, in a line. */
export function shown(value, column) {
  if (value === null || value === undefined) return "NULL";
  if (value instanceof Uint8Array) return `${value.length} B  ${hex(value.subarray(0, 16))}`;
  if (column?.type === "TIMESTAMP") return String(value).replace("T", " ").replace(/Z$/, " UTC");
  const text = String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** A value as an editor begins with it. */
export function written(value) {
  if (value === null || value === undefined) return "";
  if (value instanceof Uint8Array) return toBase64(value);
  return String(value);
}

/** Whether two values of a column are one. */
export function same(one, other) {
  if (one instanceof Uint8Array && other instanceof Uint8Array) {
    return one.length === other.length && one.every((byte, index) => byte === other[index]);
  }
  return (one ?? null) === (other ?? null);
}

/**
 * The value that a text stands for in a column.
 *
 * Throws an Error that says what would fit. What only the server can judge is left to it.
 */
export function parsed(text, column) {
  switch (column.type) {
    case "BOOL":
      return text === "true";
    case "INT64":
      return parsedInteger(text);
    case "DOUBLE":
      return parsedNumber(text);
    case "DECIMAL":
      refuseComma(text);
      return text.trim();
    case "BYTES":
      return fromBase64(text);
    case "STRING":
    case "JSON":
    case "ENUM":
      return text;
    default:
      return text.trim();
  }
}

function parsedInteger(text) {
  const trimmed = text.trim();
  if (!/^[+-]?\d+$/.test(trimmed)) throw new Error("A whole number is needed, such as 42.");
  const number = Number(trimmed);
  return Number.isSafeInteger(number) ? number : BigInt(trimmed);
}

function parsedNumber(text) {
  const trimmed = text.trim();
  refuseComma(trimmed);
  const number = Number(trimmed);
  if (trimmed === "" || !Number.isFinite(number)) {
    throw new Error("A number is needed, such as 12.5.");
  }
  return number;
}

/** Whether a text will be no number, whatever is written on. */
export function isHopeless(text, column) {
  if (column.type === "INT64") return /[^\s\d+-]/.test(text);
  return isNumeric(column) && text.includes(",");
}

/** `1,5` is one and a half to some and fifteen to others: it is neither here. */
function refuseComma(text) {
  const comma = /^\s*([+-]?\d+),(\d+)\s*$/.exec(text);
  if (comma) throw new Error(`Decimals take a point: ${comma[1]}.${comma[2]}`);
  if (text.includes(",")) throw new Error("Numbers have no commas here; decimals take a point.");
}

function toBase64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

function fromBase64(text) {
  try {
    return Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
  } catch {
    throw new Error("Bytes are written in base64.");
  }
}

/** A short hint at the form of a column's values. */
export function hint(column) {
  switch (column.type) {
    case "INT64": return "42";
    case "DOUBLE": return "12.5";
    case "DECIMAL": return "12.50";
    case "TIMESTAMP": return "2024-02-29T12:00:00Z";
    case "DATE": return "2024-02-29";
    case "TIME_OF_DAY": return "14:30:00";
    case "UUID": return "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    case "JSON": return "{}";
    case "BYTES": return "base64";
    default: return "";
  }
}

/** A value as a literal of the filter language; null for those that it has none for. */
export function literal(value, column) {
  if (value === null || value === undefined) return "null";
  switch (column.type) {
    case "BOOL": case "INT64": case "DOUBLE": case "DECIMAL": case "TIMESTAMP": case "DATE":
    case "TIME_OF_DAY": case "UUID":
      return String(value);
    case "STRING": case "ENUM":
      return `'${String(value).replaceAll("'", "''")}'`;
    default:
      return null;
  }
}

/** The column that is a table's key: the first one. */
export function keyOf(table) {
  return table.columns.find((column) => column.system && column.number === 1)?.name ?? "id";
}

/** Whether the caller has rules for an operation; where there are no rules, everybody may. */
export function mayDo(table, operation) {
  return !table.allowed?.length || table.allowed.includes(operation);
}

/** Whether a column is one of the four that the server keeps for a row. */
export function isKept(column, table) {
  return column.system && column.name !== keyOf(table);
}

/** The name of a system field in a table, where a column of its own may have taken the plain one. */
export function systemField(table, name) {
  const prefixed = `datasync_${name}`;
  const found = table.columns.find((column) => column.system && column.name === prefixed);
  return found ? prefixed : name;
}
