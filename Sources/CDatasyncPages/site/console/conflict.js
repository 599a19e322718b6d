/** Two have written one row: who wins is asked. */
import { h } from "./dom.js";
import { isKept, labelOf, same, shown } from "./values.js";

/**
 * Shows what was written here beside what stands there, and asks.
 *
 * Resolves to "mine", "theirs", "edit" (mine, still in the form, over theirs), or null where it was left open (Escape).
 */
export function resolveConflict(table, base, patch, theirs) {
  const { promise, resolve } = withResolvers();
  const before = document.activeElement;
  let choice = null;
  const choose = (made) => () => {
    choice = made;
    dialog.close();
  };
  const mine = h("button", { type: "button", class: "primary", onclick: choose("mine") }, "Keep mine");
  const dialog = h("dialog", {
    class: "conflict", "aria-labelledby": "conflict-title", "aria-describedby": "conflict-text",
    onclose: () => {
      dialog.remove();
      before?.focus?.();
      resolve(choice);
    },
  },
    h("h2", { id: "conflict-title" }, "Conflict"),
    h("p", { id: "conflict-text" }, "This row was changed by somebody else while you edited it."),
    comparison(table, base, patch, theirs),
    h("div", { class: "buttons" }, mine,
      h("button", { type: "button", onclick: choose("theirs") }, "Take theirs"),
      h("button", { type: "button", onclick: choose("edit") }, "Go on editing")));
  document.body.append(dialog);
  dialog.showModal();
  mine.focus();
  return promise;
}

function comparison(table, base, patch, theirs) {
  const rows = table.columns.filter((column) => !isKept(column, table)
    && (column.name in patch || !same(base[column.name], theirs[column.name])));
  const cell = (value, column, changed) => h("td", { class: changed ? "changed" : null }, shown(value, column));
  return h("div", { class: "scroll" }, h("table", {},
    h("thead", {}, h("tr", {}, ["Field", "Before", "Mine", "Theirs"].map((one) => h("th", { scope: "col" }, one)))),
    h("tbody", {}, rows.map((column) => {
      const { name } = column;
      const mine = name in patch ? patch[name] : base[name];
      return h("tr", {}, h("th", { scope: "row" }, labelOf(column)), cell(base[name], column, false),
        cell(mine, column, !same(mine, base[name])), cell(theirs[name], column, !same(theirs[name], base[name])));
    }))));
}

function withResolvers() {
  let resolve;
  const promise = new Promise((settle) => { resolve = settle; });
  return { promise, resolve };
}
