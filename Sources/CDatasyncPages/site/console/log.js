/** Everything that has changed since the page was opened, newest first. */
import { clock, count, h, setText, throttled } from "./dom.js";
import { Grid } from "./grid.js";
import { labelOf, same, shown } from "./values.js";

/** Changes kept; the oldest go first, this many at a time. */
const MAX_CHANGES = 5000;
const DROPPED = 500;

/** The changes themselves, for as long as the console is open. */
export class Log extends EventTarget {
  #entries = [];
  /** How many have been dropped in front of the first entry. */
  #dropped = 0;
  #numbers = new Map();
  /** Changes seen, by table. */
  counts = new Map();

  get seen() { return this.#dropped + this.#entries.length; }
  get entries() { return this.#entries; }

  add(change) {
    const entry = { ...change, key: `${this.seen}`, changedFields: change.changedFields ?? [] };
    this.#entries.push(entry);
    this.#numbers.set(entry.key, this.seen - 1);
    this.counts.set(change.table, (this.counts.get(change.table) ?? 0) + 1);
    if (this.#entries.length > MAX_CHANGES) {
      for (const gone of this.#entries.splice(0, DROPPED)) this.#numbers.delete(gone.key);
      this.#dropped += DROPPED;
    }
    this.dispatchEvent(new Event("change"));
  }
}

/** The log as a grid reads it: of one table or of all, from the newest back, or as it was when held. */
class View extends EventTarget {
  #log;
  #rows = [];
  #places = new Map();
  table = "";
  held = false;
  known = true;
  #refresh = throttled(100, () => this.#read());
  #onChange = () => { if (!this.held) this.#refresh(); };

  constructor(log) {
    super();
    this.#log = log;
    log.addEventListener("change", this.#onChange);
    this.#read();
  }

  close() { this.#log.removeEventListener("change", this.#onChange); }
  get total() { return this.#rows.length; }
  row(index) { return this.#rows[this.#rows.length - 1 - index]; }
  id(index) { return this.row(index)?.key; }
  indexOf(key) {
    const place = this.#places.get(key);
    return place === undefined ? -1 : this.#rows.length - 1 - place;
  }

  refresh() { this.#read(); }

  #read() {
    const { entries } = this.#log;
    this.#rows = this.table ? entries.filter((entry) => entry.table === this.table) : entries.slice();
    this.#places.clear();
    this.#rows.forEach((entry, place) => this.#places.set(entry.key, place));
    this.dispatchEvent(new Event("rows"));
  }
}

const OPERATIONS = { add: "ADD", update: "UPDATE", delete: "DELETE", unreadable: "UNREADABLE" };

function columns() {
  const plain = (name) => (entry) => String(entry[name] ?? "");
  return [
    { name: "sequence", title: "Sequence", width: 100, numeric: true, text: plain("sequence") },
    { name: "time", title: "Time", width: 110, text: timeOf },
    { name: "operation", title: "Operation", width: 100, text: (entry, cell) => {
      cell.dataset.operation = entry.type;
      return OPERATIONS[entry.type] ?? entry.type;
    } },
    { name: "table", title: "Table", width: 140, text: plain("table") },
    { name: "id", title: "Id", width: 180, text: plain("id") },
    { name: "fields", title: "Fields", width: 210, grow: true, text: (entry) => entry.changedFields.join(", ") },
    { name: "origin", title: "Origin", width: 200, text: (entry) => entry.own ? "this console" : entry.origin || "another program" },
  ];
}

function timeOf(entry) {
  const moment = entry.committedAt ?? entry.row?.updated_at;
  return moment ? clock(moment) : "";
}

export class LogPage {
  #log;
  #view;
  #grid;
  #tables;
  #summary = h("span", { class: "summary" });
  #empty = h("p", { class: "empty" }, "Nothing has changed since this page was opened.");
  #panel = h("section", { class: "panel", "aria-label": "Change", hidden: true });
  #onRows = () => this.#show();
  element;

  constructor(shell, description, log) {
    this.#log = log;
    this.#tables = description.tables;
    this.#view = new View(log);
    this.#grid = new Grid({ label: "Log", columns: columns(), source: this.#view });
    this.#grid.addEventListener("select", ({ detail }) => this.#open(detail));
    this.#grid.addEventListener("open", ({ detail }) => this.#open(detail));
    this.#view.addEventListener("rows", this.#onRows);
    this.element = this.#make();
    this.#show();
  }

  close() {
    this.#view.close();
    this.#grid.close();
  }

  #make() {
    const choice = h("select", { "aria-label": "Table", onchange: () => {
      this.#view.table = choice.value;
      this.#view.refresh();
    } }, h("option", { value: "" }, "All tables"), this.#tables.map((one) => h("option", { value: one.name }, one.name)));
    const hold = h("button", { type: "button", "aria-pressed": "false", onclick: () => {
      this.#view.held = !this.#view.held;
      hold.setAttribute("aria-pressed", String(this.#view.held));
      if (!this.#view.held) this.#view.refresh();
    } }, "Hold");
    return h("section", { class: "page table-page", "aria-labelledby": "page-title", onkeydown: (event) => {
      if (event.key === "Escape" && !this.#panel.hidden) this.#close();
    } },
      h("header", { class: "page-head" }, h("h1", { id: "page-title" }, "Log"), this.#summary,
        h("span", { class: "gap" }), choice, hold),
      h("div", { class: "split" }, h("div", { class: "grid-column" },
        h("div", { class: "grid-place" }, this.#grid.element), this.#empty), this.#panel));
  }

  #show() {
    setText(this.#summary, count(this.#log.seen, "change"));
    this.#empty.hidden = this.#view.total > 0;
  }

  #open({ row, id }) {
    const table = this.#tables.find((one) => one.name === row.table);
    const names = table?.columns ?? [];
    const cell = (side, column, changed) => h("td", { class: changed ? "changed" : null },
      side ? shown(side[column.name], column) : "");
    this.#panel.replaceChildren(
      h("h2", {}, `${OPERATIONS[row.type] ?? row.type} ${row.table}`), h("p", { class: "muted" }, `${row.id} at ${row.sequence}`),
      h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, ["Field", "Before", "After"].map((one) => h("th", { scope: "col" }, one)))),
        h("tbody", {}, names.map((column) => h("tr", {}, h("th", { scope: "row" }, labelOf(column)),
          cell(row.previous, column, false),
          cell(row.row, column, row.previous && row.row && !same(row.previous[column.name], row.row[column.name]))))))),
      h("div", { class: "buttons" }, h("button", { type: "button", onclick: () => this.#close() }, "Close")));
    this.#panel.hidden = false;
    this.#grid.select(id);
  }

  #close() {
    this.#panel.hidden = true;
    this.#grid.select(undefined);
    this.#grid.focus();
  }
}
