/** The page of one table: its rows, a filter over them, and beside them the row that is open. */
import { clock, composing, count, explain, h, setAttribute, setText, throttled } from "./dom.js";
import { columnsOf } from "./columns.js";
import { Editor } from "./editor.js";
import { FilterBox } from "./filter.js";
import { Grid } from "./grid.js";
import { Rows } from "./rows.js";
import { typesOf } from "./overview.js";
import { keyOf, literal, mayDo, systemField } from "./values.js";

/** Rows that are looked at for the columns' widths. */
const SAMPLE = 100;
/** Milliseconds in which a second click makes the first one a double click. */
const DOUBLE_CLICK = 250;
/** What is wrong with a filter stands at the filter. */
const OF_FILTERS = new Set(["BAD_FILTER", "FILTER_TOO_COMPLEX"]);

export class TablePage {
  #shell;
  #table;
  #access;
  #query;
  #rows = null;
  /** Rows asked for that have not answered yet; those before stay in sight until they have. */
  #coming = null;
  /** Why rows were not read: {error, asked}, until they are. */
  #problem = null;
  #told = "";
  #grid = null;
  #editor = null;
  #sample = [];
  #opening = null;
  #changes = 0;
  #last = null;
  #onState = () => this.#stateChanged();
  #onDrafts = () => this.#showDrafts();
  /** Ends what listens to editors, which may outlive the page. */
  #left = new AbortController();
  #heard = new WeakSet();

  #filter;
  #summary;
  #status;
  #notice;
  #empty;
  #place;
  #panel;
  #deletedBox;
  #systemBox;
  #newButton;
  #draftButton;

  element;

  /** `shell` is the console: its client, its addresses, its messages. */
  constructor(shell, table, query) {
    this.#shell = shell;
    this.#table = table;
    this.#access = shell.client.table(table.name);
    this.#query = query;
    this.element = this.#make();
    this.#rebuildGrid();
    this.#ask();
    shell.client.addEventListener("statechange", this.#onState);
    shell.drafts.addEventListener("change", this.#onDrafts);
    this.#showDrafts();
  }

  get name() { return this.#table.name; }

  close() {
    this.#shell.client.removeEventListener("statechange", this.#onState);
    this.#shell.drafts.removeEventListener("change", this.#onDrafts);
    this.#left.abort();
    this.#rows?.close();
    this.#coming?.close();
    this.#grid?.close();
    clearTimeout(this.#opening);
  }

  /** The same table, asked for something else. */
  show(query) {
    if (query.filter === this.#query.filter && query.orderBy === this.#query.orderBy) return;
    this.#query = query;
    this.#filter.value = query.filter;
    this.#ask();
  }

  // -- what it is made of

  #make() {
    const { name, softDelete } = this.#table;
    this.#filter = new FilterBox(this.#table);
    this.#filter.value = this.#query.filter;
    this.#filter.addEventListener("filter", ({ detail }) => this.#go({ filter: detail }));
    this.#summary = h("span", { class: "summary" });
    this.#status = h("p", { class: "changes", role: "status", "aria-label": "Changes" }, "No changes yet");
    this.#notice = h("p", { class: "alert", role: "alert" });
    this.#empty = h("p", { class: "empty", hidden: true });
    this.#place = h("div", { class: "grid-place" });
    this.#panel = h("section", { class: "panel", "aria-label": "Row", hidden: true });
    this.#deletedBox = h("input", { type: "checkbox", onchange: () => this.#ask() });
    this.#systemBox = h("input", { type: "checkbox", onchange: () => this.#rebuildGrid() });
    this.#newButton = h("button", {
      type: "button", class: "primary", disabled: !mayDo(this.#table, "CREATE"), onclick: () => this.#open(null),
      title: mayDo(this.#table, "CREATE") ? null : "No rule allows it",
    }, "New row");
    this.#draftButton = h("button", { type: "button", class: "draft", hidden: true, onclick: () => this.#openDraft() });
    return h("section", { class: "page table-page", "aria-labelledby": "page-title", onkeydown: (event) => this.#key(event) },
      h("header", { class: "page-head" },
        h("h1", { id: "page-title" }, name), this.#summary, this.#newButton, this.#draftButton,
        h("span", { class: "gap" }),
        softDelete ? h("label", { class: "check" }, this.#deletedBox, "Deleted rows") : null,
        h("label", { class: "check" }, this.#systemBox, "System fields"),
        h("button", { type: "button", onclick: () => this.#showTypes() }, "Types")),
      this.#filter.element, this.#notice,
      h("div", { class: "split" },
        h("div", { class: "grid-column" }, this.#place, this.#empty, h("footer", { class: "page-foot" }, this.#status)),
        this.#panel));
  }

  #rebuildGrid() {
    const columns = columnsOf(this.#table, this.#systemBox.checked, this.#sample);
    const grid = new Grid({
      label: this.#table.name, columns, sortable: true, source: this.#rows ?? new Nothing(),
    });
    grid.addEventListener("sort", ({ detail }) => this.#sort(detail));
    grid.addEventListener("select", ({ detail }) => this.#select(detail));
    grid.addEventListener("open", ({ detail }) => this.#open(detail.row, detail.column));
    this.#grid?.close();
    this.#grid = grid;
    grid.select(this.#editor?.id ?? undefined);
    this.#showDrafts();
    grid.showOrder(parsedOrder(this.#query.orderBy));
    this.#place.replaceChildren(grid.element);
  }

  // -- asking

  #go(change) {
    this.#shell.go(this.#table.name, { ...this.#query, ...change });
  }

  #ask() {
    this.#coming?.close();
    const rows = new Rows(this.#access, {
      filter: this.#query.filter,
      orderBy: this.#query.orderBy,
      includeDeleted: this.#deletedBox.checked,
      key: keyOf(this.#table),
      version: systemField(this.#table, "version"),
    });
    const deleted = systemField(this.#table, "deleted");
    rows.query = this.#query;
    rows.isDeleted = (row) => row[deleted] === true;
    rows.addEventListener("rows", () => this.#answered(rows));
    rows.addEventListener("failed", ({ detail }) => this.#failed(rows, detail));
    rows.addEventListener("change", ({ detail }) => this.#changed(rows, detail));
    this.#coming = rows;
    this.#showAsking();
    this.#grid.showOrder(parsedOrder(this.#query.orderBy));
    rows.start();
  }

  #answered(rows) {
    if (rows === this.#coming && rows.known) {
      this.#rows?.close();
      this.#rows = rows;
      this.#coming = null;
      this.#showAsking();
      if (this.#sample.length === 0 && rows.total > 0) this.#takeSample(rows);
      else this.#grid.source = rows;
      this.#problem = null;
    }
    if (rows !== this.#rows) return;
    if (this.#problem?.asked === rows) this.#problem = null;
    setText(this.#summary, count(rows.total, "row"));
    this.#empty.hidden = rows.total > 0;
    setText(this.#empty, rows.query.filter ? "No row matches the filter." : "No rows yet.");
    this.#showProblem();
  }

  /** One box says what is wrong, the newest; rows that are not those of the address are pale. */
  #showProblem() {
    const { error = null, asked } = this.#problem ?? {};
    const isFormer = error !== null && this.#rows !== null && asked !== this.#rows;
    const former = isFormer ? ` Shown are still ${nameOf(this.#rows.query)}.` : "";
    this.#place.classList.toggle("former", isFormer);
    const isFilter = OF_FILTERS.has(error?.reason);
    this.#filter.complain(isFilter ? error : null, former);
    if (isFilter) this.#tell("");
    else if (error) this.#tell(explain(error) + former, error.reason === "BAD_ORDER_BY");
    else this.#tell(noticesOf(this.#rows));
  }

  #tell(text, offersOrder = false) {
    if (text === this.#told) return;
    this.#told = text;
    this.#notice.replaceChildren(text, ...(offersOrder ? [" ", h("button", {
      type: "button", onclick: () => this.#go({ orderBy: "" }),
    }, "Clear the order")] : []));
  }

  /** The first rows say how wide the columns are to be; later ones move no column. */
  #takeSample(rows) {
    const first = Array.from({ length: Math.min(SAMPLE, rows.total) }, (_, index) => rows.row(index));
    this.#sample = first.filter((row) => row !== undefined);
    const focused = this.#place.contains(document.activeElement);
    this.#rebuildGrid();
    if (focused) this.#grid.focus();
  }

  #failed(rows, error) {
    if (rows !== this.#rows && rows !== this.#coming) return;
    if (error.code === "UNAUTHENTICATED") return this.#shell.askForToken(error);
    this.#problem = { error, asked: rows };
    if (rows === this.#coming) {
      rows.close();
      this.#coming = null;
      this.#showAsking();
      if (!this.#rows) this.#grid.source = new Nothing(true);
    }
    this.#showProblem();
  }

  /** Rows in sight that are no longer those asked for are pale, if it takes a while. */
  #showAsking() {
    this.#place.classList.toggle("asking", this.#coming !== null);
    setAttribute(this.#place, "aria-busy", this.#coming ? "true" : null);
  }

  #stateChanged() {
    if (this.#shell.client.state !== "live") return;
    if (!this.#coming && (!this.#rows || this.#problem)) this.#ask();
    this.#rows?.reread();
  }

  // -- changes

  #changed(rows, event) {
    if (rows !== this.#rows) return;
    this.#changes++;
    this.#last = event;
    this.#showStatus();
    const id = String(event.id);
    for (const editor of new Set([this.#editor, ...this.#drafts])) {
      if (editor?.id !== id) continue;
      if (event.row) editor.follow(event.row);
      else this.#look(editor);
    }
  }

  #showStatus = throttled(500, () => {
    const { type, id, committedAt } = this.#last;
    setText(this.#status, `${count(this.#changes, "change")}, last at ${clock(committedAt)}: ${type.toUpperCase()} ${id}`);
  });

  /** The open row has left the view: it is deleted, marked so, or merely no longer matches. */
  async #look(editor) {
    try {
      editor.follow(await this.#access.get(editor.id, { includeDeleted: this.#table.softDelete || undefined }));
    } catch (error) {
      if (error.code === "NOT_FOUND") editor.gone();
    }
  }

  // -- order

  #sort({ name, added }) {
    const order = parsedOrder(this.#query.orderBy);
    const now = order.get(name);
    const next = now === undefined ? "ascending" : now === "ascending" ? "descending" : null;
    if (!added) order.clear();
    order.delete(name);
    if (next) order.set(name, next);
    this.#go({ orderBy: [...order].map(([field, way]) => way === "descending" ? `${field} desc` : field).join(", ") });
  }

  #key(event) {
    if (composing(event)) return;
    if (event.key === "Escape" && !this.#filter.closeHelp()) this.#closePanel();
    if (event.key !== "=" || event.target.getAttribute("role") !== "gridcell") return;
    // A cell's value becomes the filter.
    const column = this.#table.columns.find((one) => one.name === event.target.dataset.column);
    const index = Number(event.target.parentElement.getAttribute("aria-rowindex")) - 2;
    const row = this.#rows?.row(index);
    const text = row && literal(row[column.name], column);
    if (!text) return;
    event.preventDefault();
    this.#go({ filter: `${column.name} eq ${text}` });
  }

  // -- the row beside

  /** The panel takes room from the grid; a second press of the mouse is to find the grid as it was. */
  #select({ row, id }) {
    clearTimeout(this.#opening);
    this.#grid.select(id);
    if (this.#panel.hidden) this.#opening = setTimeout(() => this.#open(row), DOUBLE_CLICK);
    else this.#open(row);
  }

  #open(row, column = null) {
    clearTimeout(this.#opening);
    const id = row && String(row[keyOf(this.#table)]);
    if (!this.#editor || this.#editor.id !== id) this.#edit(row);
    if (row === null || column !== null) this.#editor.focus(column);
  }

  // -- what is not saved

  get #drafts() { return this.#shell.drafts.of(this.#table.name); }

  /** Rows with edits are marked, in sight or not; a button leads from one to the next. */
  #showDrafts() {
    const drafts = this.#drafts;
    this.#grid.mark(new Set(drafts.map((editor) => editor.id)));
    this.#draftButton.hidden = drafts.length === 0;
    setText(this.#draftButton, `${drafts.length} unsaved`);
  }

  #openDraft() {
    const drafts = this.#drafts;
    const editor = drafts[(drafts.indexOf(this.#editor) + 1) % drafts.length];
    this.#show(editor);
    editor.focus();
  }

  /** Opens a row, with what was written in it before, and with what happened to it since. */
  #edit(row) {
    const id = row && String(row[keyOf(this.#table)]);
    const draft = this.#shell.drafts.find(this.#table.name, id);
    if (draft && row) draft.follow(row);
    this.#show(draft ?? new Editor(this.#table, this.#access, row));
  }

  #show(editor) {
    this.#editor = editor;
    this.#shell.drafts.keep(this.#table.name, editor);
    if (!this.#heard.has(editor)) this.#hear(editor);
    if (editor.id !== null && editor.isDraft) this.#look(editor);
    this.#panel.setAttribute("aria-label", "Row");
    this.#panel.replaceChildren(editor.element);
    this.#panel.hidden = false;
    this.#grid.select(editor.id ?? undefined);
  }

  #hear(editor) {
    this.#heard.add(editor);
    const on = (name, act) => editor.addEventListener(name, act, { signal: this.#left.signal });
    const written = ({ detail }) => {
      this.#rows?.put(detail.row);
      if (editor === this.#editor) this.#grid.select(editor.id);
    };
    on("saved", (event) => {
      written(event);
      this.#shell.say(`Saved ${event.detail.id}.`);
      if (editor === this.#editor) this.#grid.focus();
    });
    on("followed", written);
    on("created", (event) => {
      written(event);
      this.#rows?.reread();
      this.#shell.say(`Created ${event.detail.id}.`);
    });
    on("undeleted", (event) => {
      written(event);
      this.#rows?.reread();
      this.#shell.say(`Undeleted ${event.detail.id}.`);
    });
    on("deleted", (event) => this.#deleted(editor, event.detail));
    on("closed", () => this.#closePanel());
  }

  #deleted(editor, { row, id }) {
    this.#rows?.reread();
    if (this.#table.softDelete) {
      this.#shell.say(`Deleted ${id}.`);
      return;
    }
    if (editor === this.#editor) this.#closePanel();
    // The row is gone; what it was is still known here.
    this.#shell.say(`Deleted ${id}.`, "Undo", async () => {
      const own = this.#table.columns.filter((one) => !one.system || one.name === keyOf(this.#table));
      const fields = own.map((one) => [one.name, row[one.name]]).filter(([, value]) => value !== null);
      await this.#access.create(Object.fromEntries(fields));
      this.#focusWhenThere(id);
      this.#rows?.reread();
    });
  }

  /** The focus is in the grid, and on the row once that has come, if it has not gone elsewhere by then. */
  #focusWhenThere(id) {
    this.#grid.focus();
    const rows = this.#rows;
    const arrived = new AbortController();
    rows?.addEventListener("rows", () => {
      if (rows.indexOf(id) < 0) return;
      arrived.abort();
      const { activeElement } = document;
      if (activeElement.id === "main" || this.#place.contains(activeElement)) this.#grid.focus(id);
    }, { signal: arrived.signal });
  }

  #closePanel() {
    clearTimeout(this.#opening);
    const inside = this.#panel.contains(document.activeElement) || document.activeElement === document.body;
    this.#editor = null;
    this.#panel.hidden = true;
    this.#panel.replaceChildren();
    this.#grid.select(undefined);
    if (inside) this.#grid.focus();
  }

  #showTypes() {
    this.#editor = null;
    this.#grid.select(undefined);
    const close = h("button", { type: "button", onclick: () => this.#closePanel() }, "Close");
    this.#panel.setAttribute("aria-label", "Types");
    this.#panel.replaceChildren(typesOf(this.#table), h("div", { class: "buttons" }, close));
    this.#panel.hidden = false;
    close.focus();
  }
}

/** Why rows are not all that was asked for. */
function noticesOf({ notLive, errors: [unreadable, ...others] }) {
  const notices = [
    notLive ? `These rows do not change live. ${explain(notLive)}` : "",
    unreadable ? `${count(others.length + 1, "row")} here cannot be read. ${explain(unreadable)}` : "",
  ];
  return notices.filter(Boolean).join(" ");
}

/** What rows of a query are, in words. */
function nameOf({ filter, orderBy }) {
  return (filter ? `the rows where ${filter}` : "all rows") + (orderBy ? `, by ${orderBy}` : "");
}

/** A source without rows, until the first answer. */
class Nothing extends EventTarget {
  total = 0;
  constructor(known = false) {
    super();
    this.known = known;
  }

  row() { return undefined; }
  id() { return undefined; }
  indexOf() { return -1; }
}

/** An order as it stands in an address: names of fields, and which way each goes. */
function parsedOrder(text) {
  const order = new Map();
  for (const part of text.split(",")) {
    const found = /^\s*([A-Za-z_]\w*)(\s+(asc|desc))?\s*$/i.exec(part);
    if (found) order.set(found[1], found[3]?.toLowerCase() === "desc" ? "descending" : "ascending");
  }
  return order;
}
