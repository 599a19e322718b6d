/**
 * A grid of any number of rows, of which only those in view are elements.
 *
 * One cell at a time can be tabbed to, and arrows move on from there (the grid pattern of ARIA).
 * The row that holds the focus stays an element wherever it is scrolled to, and no change of the
 * rows takes the focus away from it.
 */
import { h, oncePerFrame, setAttribute, setText } from "./dom.js";
import { HEAD_HEIGHT, ROW_HEIGHT, heightOf, isShortened, rowsPerPixel, targetOf } from "./geometry.js";

/** Rows beyond the edges that are elements as well. */
const OVERSCAN = 8;
const MAX_SPARE = 100;

export class Grid extends EventTarget {
  #source;
  #columns;
  #rows = new Map();
  #spare = [];
  #active = { index: -1, id: undefined, column: 0 };
  #pressedAt = { index: -1, column: -1 };
  #anchor = null;
  #marked = new Set();
  #body;
  #head;
  #onRows = () => this.#changed();
  #onFlash = (event) => this.#flash(event.detail);
  #observer;

  /** The element; it scrolls by itself. */
  element;
  selected;

  /**
   * `columns`: {name, title, width, numeric, kept, text(row, cell), sort} in order; `sortable`
   * says whether heads are buttons, which then send "sort" with {name, added}.
   */
  constructor({ label, columns, sortable = false, source }) {
    super();
    this.#columns = columns;
    this.#body = h("div", { class: "grid-body", role: "rowgroup" });
    this.#head = h("div", { class: "grid-head", role: "rowgroup" }, this.#makeHead(sortable));
    this.element = h("div", {
      class: "grid", role: "grid", "aria-label": label, "aria-colcount": columns.length,
      onkeydown: (event) => this.#key(event),
      onfocusin: (event) => this.#focused(event),
    }, this.#head, this.#body);
    this.element.style.setProperty("--columns", columns
      .map((one) => one.grow ? `minmax(${one.width}px, 1fr)` : `${one.width}px`).join(" "));
    this.element.style.setProperty("--width", `${columns.reduce((sum, one) => sum + one.width, 0)}px`);
    this.element.style.setProperty("--row-height", `${ROW_HEIGHT}px`);
    this.element.addEventListener("scroll", () => this.render(), { passive: true });
    this.element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.#body.addEventListener("click", (event) => this.#pressed(event, "select"));
    this.#body.addEventListener("dblclick", (event) => this.#pressed(event, "open"));
    this.#observer = new ResizeObserver(() => this.render());
    this.#observer.observe(this.element);
    this.source = source;
  }

  set source(source) {
    this.#unfollow();
    this.#source = source;
    this.#active = { ...this.#active, index: -1, id: undefined };
    this.#anchor = null;
    this.element.scrollTop = 0;
    source.addEventListener("rows", this.#onRows);
    source.addEventListener("flash", this.#onFlash);
    this.render();
  }

  close() {
    this.#unfollow();
    this.#observer.disconnect();
  }

  #unfollow() {
    this.#source?.removeEventListener("rows", this.#onRows);
    this.#source?.removeEventListener("flash", this.#onFlash);
  }

  /** Marks the row that is shown elsewhere. */
  select(id) {
    this.selected = id;
    this.render();
  }

  /** Marks the rows in which something is not saved, by their ids. */
  mark(ids) {
    this.#marked = ids;
    this.render();
  }

  /** Shows how the rows are ordered: `order` maps names to "ascending" and "descending", first keys first. */
  showOrder(order) {
    const ranks = [...order.keys()];
    for (const head of this.#head.firstChild.children) {
      const { column } = head.dataset;
      setAttribute(head, "aria-sort", order.get(column) ?? null);
      setAttribute(head, "data-rank", ranks.length > 1 && order.has(column) ? ranks.indexOf(column) + 1 : null);
    }
  }

  /** Puts the focus on a row, or on the active cell, or on the first one. */
  focus(id) {
    const index = id === undefined ? -1 : this.#source.indexOf(id);
    if (index >= 0) return this.#move(index, this.#active.column);
    if (this.#active.index < 0) this.#active.index = this.#firstInView();
    this.#draw();
    this.#activeCell()?.focus({ preventScroll: true });
  }

  // -- geometry

  get #total() { return this.#source.total; }
  get #room() { return Math.max(ROW_HEIGHT, this.element.clientHeight - HEAD_HEIGHT); }
  get #inView() { return this.#room / ROW_HEIGHT; }
  get #rowsPerPixel() { return rowsPerPixel(this.#total, this.#room); }

  /** The place in the list at the upper edge, with its fraction. */
  get #top() { return this.element.scrollTop * this.#rowsPerPixel; }

  #firstInView() {
    return Math.max(0, Math.min(this.#total - 1, Math.ceil(this.#top)));
  }

  #scrollTo(place) {
    this.element.scrollTop = place / this.#rowsPerPixel;
  }

  #reveal(index) {
    const top = this.#top;
    if (index < top) this.#scrollTo(index);
    else if (index + 1 > top + this.#inView) this.#scrollTo(index + 1 - this.#inView);
  }

  /** Where rows are taller than pixels allow, the wheel still moves by the row. */
  #wheel(event) {
    if (!isShortened(this.#total) || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    const pixels = event.deltaMode === 1 ? event.deltaY * ROW_HEIGHT : event.deltaY;
    this.#scrollTo(this.#top + pixels / ROW_HEIGHT);
  }

  // -- drawing

  render = oncePerFrame(() => this.#draw());

  /** The rows have changed: the one at the upper edge, and the one with the focus, stay there. */
  #changed() {
    const { id } = this.#active;
    if (id !== undefined) {
      const index = this.#source.indexOf(id);
      if (index >= 0) this.#active.index = index;
      else if (this.#source.row(this.#active.index)) this.#active.id = undefined;
      if (this.#active.index >= this.#total) this.#active.index = this.#total - 1;
    }
    this.render();
  }

  #hold() {
    const anchor = this.#anchor;
    if (!anchor || this.element.scrollTop === 0) return;
    const index = this.#source.indexOf(anchor.id);
    if (index >= 0 && index !== anchor.index) {
      this.#scrollTo(this.#top + index - anchor.index);
    }
  }

  #draw() {
    const focused = this.#body.contains(document.activeElement);
    setAttribute(this.element, "aria-rowcount", this.#source.known === false ? -1 : this.#total + 1);
    setAttribute(this.element, "aria-busy", this.#source.known === false ? "true" : null);
    this.#body.style.height = `${heightOf(this.#total)}px`;
    this.#hold();
    const top = this.#top;
    const first = Math.max(0, Math.floor(top) - OVERSCAN);
    const end = Math.min(this.#total, Math.ceil(top + this.#inView) + OVERSCAN);
    this.#source.want?.(first, Math.max(end, first + 1));
    this.#place(this.#indexes(first, end), top);
    this.#remember();
    // The element may by now be another row's, or gone.
    const cell = focused ? this.#activeCell() : null;
    if (cell && cell !== document.activeElement) cell.focus({ preventScroll: true });
  }

  #indexes(first, end) {
    const indexes = [];
    const active = this.#active.index;
    const pinned = active >= 0 && active < this.#total;
    if (pinned && active < first) indexes.push(active);
    for (let index = first; index < end; index++) indexes.push(index);
    if (pinned && active >= end) indexes.push(active);
    return indexes;
  }

  /** Makes the elements those of these rows, moving none that stays. */
  #place(indexes, top) {
    const { scrollTop } = this.element;
    const before = this.#rows;
    const after = new Map();
    const missing = [];
    for (const index of indexes) {
      const key = this.#source.id(index) ?? `#${index}`;
      const row = before.get(key) ?? before.get(`#${index}`);
      if (row && !after.has(key)) {
        after.set(key, row);
        before.delete(before.get(key) ? key : `#${index}`);
      } else {
        missing.push(key);
        after.set(key, null);
      }
    }
    // An element that holds the focus goes on as the row that has come into its place.
    for (const row of before.values()) this.#retire(row);
    for (const key of missing) after.set(key, this.#spare.pop() ?? this.#makeRow());
    this.#rows = after;
    let place = 0;
    let next = this.#body.firstChild;
    for (const row of after.values()) {
      const index = indexes[place++];
      this.#bind(row, index);
      row.element.style.transform = `translateY(${scrollTop + (index - top) * ROW_HEIGHT}px)`;
      next = this.#insert(row.element, next);
    }
    while (next) {
      const gone = next;
      next = next.nextSibling;
      gone.remove();
    }
  }

  /** Puts an element before `next`, or what stands before it away: moved, it would lose the focus. */
  #insert(element, next) {
    if (element === next) return next.nextSibling;
    if (element.contains(document.activeElement)) {
      while (next && next !== element) {
        const gone = next;
        next = next.nextSibling;
        gone.remove();
      }
      return element.nextSibling;
    }
    this.#body.insertBefore(element, next);
    return next;
  }

  #retire(row) {
    row.bound = null;
    if (this.#spare.length < MAX_SPARE) this.#spare.push(row);
  }

  /** The first row in view is what stays where it is when rows come and go above it. */
  #remember() {
    const index = this.#firstInView();
    const id = this.#source.id(index);
    this.#anchor = id === undefined ? null : { id, index };
  }

  #makeHead(sortable) {
    return h("div", { class: "grid-row", role: "row", "aria-rowindex": 1 },
      this.#columns.map((column, place) => h("div", {
        role: "columnheader", "data-column": column.name, "aria-colindex": place + 1,
        class: column.numeric ? "numeric" : null, title: column.hint ?? null,
      }, sortable && column.sort !== false
        ? h("button", {
          type: "button", tabindex: -1,
          onclick: (event) => this.#sort(column, event.shiftKey),
        }, column.title)
        : column.title)));
  }

  #sort(column, added) {
    this.dispatchEvent(new CustomEvent("sort", { detail: { name: column.name, added } }));
  }

  #makeRow() {
    const cells = this.#columns.map((column, place) => h("div", {
      role: "gridcell", tabindex: -1, "data-column": column.name, "aria-colindex": place + 1,
      class: `${column.numeric ? "numeric " : ""}${column.kept ? "kept" : ""}`.trim() || null,
    }));
    return { element: h("div", { class: "grid-row", role: "row" }, cells), cells, bound: null, active: -1 };
  }

  #bind(row, index) {
    const source = this.#source.row(index);
    const { element } = row;
    setAttribute(element, "aria-rowindex", index + 2);
    const id = this.#source.id(index);
    setAttribute(element, "data-id", id ?? null);
    setAttribute(element, "aria-selected", id !== undefined && id === this.selected ? "true" : null);
    element.classList.toggle("odd", index % 2 === 1);
    element.classList.toggle("draft", this.#marked.has(id));
    if (row.bound !== source || !source) this.#fill(row, source);
    const active = index === this.#active.index || (this.#active.index < 0 && index === 0)
      ? this.#active.column : -1;
    if (active === row.active) return;
    if (row.active >= 0) row.cells[row.active].tabIndex = -1;
    if (active >= 0) row.cells[active].tabIndex = 0;
    row.active = active;
  }

  #fill(row, source) {
    row.bound = source ?? null;
    row.element.classList.toggle("waiting", !source);
    this.#columns.forEach((column, place) => {
      const cell = row.cells[place];
      if (!source) {
        setText(cell, "");
        cell.classList.remove("null");
        return;
      }
      setText(cell, column.text(source, cell));
    });
    row.element.classList.toggle("deleted", Boolean(source && this.#source.isDeleted?.(source)));
  }

  #flash({ id, fields }) {
    const row = this.#rows.get(id);
    if (!row) return;
    this.#columns.forEach((column, place) => {
      if (fields && !fields.includes(column.name)) return;
      row.cells[place].getAnimations().forEach((running) => running.cancel());
      row.cells[place].animate(
        [{ backgroundColor: "var(--flash)" }, { backgroundColor: "transparent" }],
        { duration: 1400, easing: "ease-out" });
    });
  }

  // -- focus and keys

  #activeCell() {
    const { index, column } = this.#active;
    const key = this.#source.id(index) ?? `#${index}`;
    return this.#rows.get(key)?.cells[column];
  }

  #focused({ target }) {
    const row = target.closest("[role=row]");
    if (!row || !this.#body.contains(row)) return;
    const index = Number(row.getAttribute("aria-rowindex")) - 2;
    const column = Number(target.getAttribute("aria-colindex")) - 1;
    if (!(column >= 0)) return;
    this.#active = { index, id: this.#source.id(index), column };
    this.render();
  }

  #move(index, column) {
    if (index >= this.#total) index = this.#total - 1;
    if (index < 0) return this.#focusHead(column);
    this.#active = { index, id: this.#source.id(index), column };
    this.#reveal(index);
    this.#draw();
    const cell = this.#activeCell();
    cell?.focus({ preventScroll: true });
    this.#revealColumn(cell);
  }

  #focusHead(column) {
    const head = this.#head.firstChild.children[column];
    head?.querySelector("button")?.focus();
  }

  #revealColumn(cell) {
    if (!cell) return;
    const left = cell.offsetLeft;
    const right = left + cell.offsetWidth;
    if (left < this.element.scrollLeft) this.element.scrollLeft = left;
    else if (right > this.element.scrollLeft + this.element.clientWidth) {
      this.element.scrollLeft = right - this.element.clientWidth;
    }
  }

  #key(event) {
    const head = event.target.closest("[role=columnheader]");
    const column = Number((head ?? event.target).getAttribute("aria-colindex")) - 1;
    if (!(column >= 0)) return;
    const index = head ? -1 : this.#active.index;
    const target = targetOf(event, index, column, {
      columns: this.#columns.length, rows: this.#total, page: Math.max(1, Math.floor(this.#inView) - 1),
    });
    if (target) {
      event.preventDefault();
      this.#move(...target);
      return;
    }
    if (head || (event.key !== "Enter" && event.key !== "F2" && event.key !== " ")) return;
    event.preventDefault();
    this.#send(event.key === " " ? "select" : "open", this.#active.index, column);
  }

  #pressed(event, name) {
    const cell = event.target.closest("[role=gridcell]");
    const row = cell?.parentElement;
    if (!row) return;
    // A double click is on what was pressed first, whatever has moved there since.
    if (event.detail < 2) {
      this.#pressedAt = { index: Number(row.getAttribute("aria-rowindex")) - 2, column: Number(cell.getAttribute("aria-colindex")) - 1 };
    }
    this.#send(name, this.#pressedAt.index, this.#pressedAt.column);
  }

  #send(name, index, column) {
    const row = this.#source.row(index);
    if (!row) return;
    const detail = { row, id: this.#source.id(index), column: this.#columns[column]?.name };
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
