/** TodoMVC on the table `todo_items`: live in every window, and written to a queue that outlives the link. */
import { connect } from "/datasync.js";
import { composing, h, setAttribute, setText } from "/console/dom.js";

const TABLE = "todo_items";
const FIELDS = ["title", "completed"];
/** Milliseconds between two looks for a table that is not there, and before a list is begun anew. */
const AGAIN = 2000;
/** Milliseconds that a write may be on its way before it is said to wait. */
const LATE = 1000;

const find = (selector) => document.querySelector(selector);

class Todos {
  #client = connect(undefined, { queue: "todo", token: sessionStorage.getItem("datasync-token") || undefined });
  #table = this.#client.table(TABLE);
  #items = new Map();
  #rows = [];
  #pending = new Set();
  #waitingSince = null;
  #list = find(".todo-list");

  start() {
    const theme = localStorage.getItem("datasync-theme");
    if (theme) document.documentElement.dataset.theme = theme;
    this.#client.addEventListener("statechange", () => this.#showState());
    this.#client.queue.addEventListener("change", () => {
      this.#showState();
      this.#showRefused();
    });
    addEventListener("hashchange", () => this.#show());
    find(".new-todo").addEventListener("keydown", (event) => this.#add(event));
    find(".toggle-all").addEventListener("change", (event) => this.#toggleAll(event.target.checked));
    find(".clear-completed").addEventListener("click", () => this.#clearCompleted());
    this.#showState();
    this.#showRefused();
    this.#follow();
  }

  // -- what is there

  async #follow() {
    for (;;) {
      try {
        if (await this.#isServed()) {
          for await (const list of this.#table.live()) this.#take(list);
        }
      } catch (error) {
        this.#tell(error.code === "UNAUTHENTICATED" ? "Sign in at the console first." : error.message);
      }
      await new Promise((resolve) => { setTimeout(resolve, AGAIN); });
    }
  }

  /** Whether the table is there with what a todo is made of; says how to make it where it is not. */
  async #isServed() {
    const { tables } = await this.#client.describe();
    const names = tables.find((table) => table.name === TABLE)?.columns.map((column) => column.name) ?? [];
    const served = FIELDS.every((field) => names.includes(field));
    find(".missing").hidden = served;
    find(".new-todo").disabled = !served;
    return served;
  }

  #take({ rows, pending }) {
    // The newest last; what the server has not seen yet is the newest.
    const age = (row) => row.created_at ? Date.parse(row.created_at) : Infinity;
    const order = (one, other) => one === other ? 0 : one < other ? -1 : 1;
    this.#rows = [...rows].sort((one, other) => order(age(one), age(other)) || order(one.id, other.id));
    this.#pending = new Set([...(pending ?? [])].map(String));
    this.#show();
    this.#showState();
  }

  // -- showing

  #show() {
    const left = this.#rows.filter((row) => !row.completed).length;
    const done = this.#rows.length - left;
    const wanted = { "#/active": false, "#/completed": true }[location.hash];
    this.#arrange(this.#rows.filter((row) => wanted === undefined || Boolean(row.completed) === wanted));
    find(".main").hidden = find(".footer").hidden = this.#rows.length === 0;
    find(".toggle-all").checked = left === 0;
    find(".clear-completed").hidden = done === 0;
    find(".todo-count").replaceChildren(h("strong", {}, String(left)), ` item${left === 1 ? "" : "s"} left`);
    for (const link of document.querySelectorAll(".filters a")) {
      const here = link.hash === (wanted === undefined ? "#/" : location.hash);
      link.classList.toggle("selected", here);
      setAttribute(link, "aria-current", here ? "page" : null);
    }
  }

  /** Brings the elements into the order of the rows; none that stays is moved, so that none loses the focus. */
  #arrange(rows) {
    const ids = new Set(rows.map((row) => String(row.id)));
    for (const [id, item] of this.#items) {
      if (ids.has(id)) continue;
      item.element.remove();
      this.#items.delete(id);
    }
    let next = this.#list.firstChild;
    for (const row of rows) {
      const item = this.#items.get(String(row.id)) ?? this.#make(row);
      item.show(row, this.#pending.has(String(row.id)));
      if (item.element === next) next = next.nextSibling;
      else this.#list.insertBefore(item.element, next);
    }
  }

  #make(row) {
    const item = new Item({
      toggle: (completed) => this.#write(this.#table.update(row.id, { completed })),
      rename: (title) => this.#write(this.#table.update(row.id, { title })),
      destroy: () => {
        this.#write(this.#table.delete(row.id));
        find(".new-todo").focus();
      },
    }, String(row.id));
    this.#items.set(String(row.id), item);
    return item;
  }

  #showState() {
    const { state, error } = this.#client;
    document.body.dataset.state = state;
    const { waiting } = this.#client.queue;
    if (waiting === 0) this.#waitingSince = null;
    else if (this.#waitingSince === null) {
      this.#waitingSince = performance.now();
      setTimeout(() => this.#showState(), LATE);
    }
    const isLate = waiting > 0 && (state !== "live" || performance.now() - this.#waitingSince >= LATE);
    const waits = waiting === 1 ? "1 change waits to be sent." : `${waiting} changes wait to be sent.`;
    const offline = error?.code === "UNAUTHENTICATED" ? "Sign in at the console first."
      : waiting > 0 ? "Offline." : "Offline. What you change is kept here, and sent later.";
    const link = { offline, connecting: "Connecting…" }[state] ?? "";
    this.#tell([link, isLate ? waits : ""].filter(Boolean).join(" "));
  }

  #tell(text) {
    setText(find(".sync"), text);
  }

  #showRefused() {
    const { queue } = this.#client;
    const again = (act) => () => Promise.resolve(act()).catch((error) => this.#tell(error.message))
      .finally(() => this.#showRefused());
    find(".refused").replaceChildren(...[...queue.refused].map((one) => h("p", {},
      `Not saved: ${one.error.message}`,
      h("button", { type: "button", onclick: again(() => queue.retry(one.id)) }, "Try again"),
      h("button", { type: "button", onclick: again(() => queue.discard(one.id)) }, "Discard"))));
  }

  // -- doing

  async #write(written) {
    try {
      await written;
    } catch (error) {
      this.#tell(error.message);
    }
  }

  #add(event) {
    if (event.key !== "Enter" || composing(event)) return;
    const title = event.target.value.trim();
    if (title === "") return;
    event.target.value = "";
    this.#write(this.#table.create({ title, completed: false }));
  }

  #toggleAll(completed) {
    for (const row of this.#rows) {
      if (Boolean(row.completed) !== completed) this.#write(this.#table.update(row.id, { completed }));
    }
  }

  #clearCompleted() {
    for (const row of this.#rows) {
      if (row.completed) this.#write(this.#table.delete(row.id));
    }
    find(".new-todo").focus();
  }
}

/** One todo: its box, its title, and the line in which it is edited. */
class Item {
  #acts;
  #title = "";
  #toggle;
  #label;
  #destroy;
  #edit;
  element;

  constructor(acts, id) {
    this.#acts = acts;
    this.#toggle = h("input", { class: "toggle", type: "checkbox", onchange: () => acts.toggle(this.#toggle.checked),
      // By keyboard the box stands for the todo: Space marks it, Enter edits it.
      onkeydown: (event) => {
        if (event.key !== "Enter" && event.key !== "F2") return;
        event.preventDefault();
        this.#begin();
      },
    });
    this.#label = h("label", {
      ondblclick: () => this.#begin(),
    });
    this.#destroy = h("button", { type: "button", class: "destroy", onclick: () => acts.destroy() });
    this.#edit = h("input", {
      class: "edit", "aria-label": "Edit", autocomplete: "off",
      onblur: () => this.#end(true), onkeydown: (event) => this.#key(event),
    });
    this.element = h("li", { "data-id": id },
      h("div", { class: "view" }, this.#toggle, this.#label, this.#destroy), this.#edit);
  }

  show(row, pending) {
    this.#title = String(row.title ?? "");
    this.element.classList.toggle("completed", Boolean(row.completed));
    this.element.classList.toggle("pending", pending);
    this.#toggle.checked = Boolean(row.completed);
    setText(this.#label, this.#title);
    setAttribute(this.#toggle, "aria-label", this.#title);
    setAttribute(this.#destroy, "aria-label", `Delete ${this.#title}`);
  }

  get #editing() { return this.element.classList.contains("editing"); }

  #begin() {
    this.element.classList.add("editing");
    this.#edit.value = this.#title;
    this.#edit.focus();
    this.#edit.setSelectionRange(this.#edit.value.length, this.#edit.value.length);
  }

  #key(event) {
    if (composing(event)) return;
    if (event.key === "Enter") this.#end(true, true);
    else if (event.key === "Escape") this.#end(false, true);
  }

  /** Leaving the line ends the editing, too; it is ended once. */
  #end(keep, byKey = false) {
    if (!this.#editing) return;
    this.element.classList.remove("editing");
    const title = this.#edit.value.trim();
    if (byKey) this.#toggle.focus();
    if (!keep || title === this.#title) return;
    if (title === "") this.#acts.destroy();
    else this.#acts.rename(title);
  }
}

new Todos().start();
