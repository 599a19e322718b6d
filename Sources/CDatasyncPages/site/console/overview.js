/** Every table and its types, and what is not served. */
import { count, h } from "./dom.js";
import { isKept } from "./values.js";

export class OverviewPage {
  element;

  constructor(shell, description) {
    const { tables, notServed = [] } = description;
    this.element = h("section", { class: "page scroll", "aria-labelledby": "page-title" },
      h("header", { class: "page-head" }, h("h1", { id: "page-title" }, "Tables"),
        h("span", { class: "summary" }, count(tables.length, "table"))),
      tables.length === 0 ? h("p", { class: "empty" }, "No table is served, or none to you.") : null,
      h("div", { class: "cards" }, tables.map((table) => h("article", { class: "card" },
        typesOf(table, shell.address(table.name))))),
      notServed.length > 0 ? [h("h2", {}, "Not served"), h("ul", { class: "plain" }, notServed.map((one) => h("li", {},
        h("code", {}, one.column ? `${one.table}.${one.column}` : one.table), ` ${one.reason}`)))] : null);
  }

  close() {}
}

/** A table's columns, with their types. */
export function typesOf(table, address = null) {
  const title = h("div", { class: "card-head" }, h("h2", {}, table.name), address ? h("a", { href: address }, "Rows") : null);
  const facts = [table.messageType, table.softDelete ? "deletes softly" : null,
    table.allowed?.length ? `allowed: ${table.allowed.join(", ").toLowerCase()}` : null].filter(Boolean);
  const own = table.columns.filter((column) => !isKept(column, table));
  const kept = table.columns.filter((column) => isKept(column, table)).map((column) => column.name);
  return h("div", { class: "types" }, title, h("p", { class: "muted" }, facts.join(" · ")),
    h("table", {},
      h("thead", {}, h("tr", {}, ["Field", "Type", "No."].map((one) => h("th", { scope: "col" }, one)))),
      h("tbody", {}, own.map((column) => h("tr", {},
        h("th", { scope: "row" }, column.name),
        h("td", {}, typeOf(column)), h("td", { class: "numeric" }, String(column.number)))))),
    h("p", { class: "muted kept-fields" }, `Kept by the server: ${kept.join(", ")}`));
}

function typeOf(column) {
  const type = column.type.toLowerCase().replaceAll("_", " ");
  const values = column.enumValues?.length ? ` (${column.enumValues.join(", ")})` : "";
  const stored = column.storedName ? `, stored as ${column.storedName}` : "";
  return `${type}${values}${column.nullable ? ", nullable" : ""}${stored}`;
}
