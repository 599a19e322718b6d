/** One row, field by field: seen, created, changed, deleted and brought back. */
import { composing, explain, h, setAttribute, setText } from "./dom.js";
import { resolveConflict } from "./conflict.js";
import { hint, isHopeless, isKept, keyOf, labelOf, mayDo, parsed, same, shown, systemField, written } from "./values.js";

/** Values in this many characters or fewer stand in one line. */
const LINE = 48;

export class Editor extends EventTarget {
  #table;
  #access;
  #key;
  #version;
  #deleted;
  #fields = new Map();
  #row = null;
  /** What the edits began from; a write is for that version of the row. */
  #base = null;
  #busy = false;
  #wasDraft = false;
  #form;
  #title;
  #alert;
  #news;
  #needs;
  #facts;
  #buttons;

  element;

  /** `table` is the described one, `access` the client's; `row` null begins a new one. */
  constructor(table, access, row) {
    super();
    this.#table = table;
    this.#access = access;
    this.#key = keyOf(table);
    this.#version = systemField(table, "version");
    this.#deleted = systemField(table, "deleted");
    this.#row = this.#base = row;
    this.element = this.#make();
    this.#refill();
  }

  get id() { return this.#row ? String(this.#row[this.#key]) : null; }
  get isDirty() { return [...this.#fields.values()].some((field) => field.dirty); }

  /** Whether something was written that could be saved. */
  get isDraft() { return this.isDirty && this.#may(this.#row ? "UPDATE" : "CREATE"); }

  /** Puts the focus into a field, or into the first that can be written. */
  focus(column) {
    const field = this.#fields.get(column) ?? [...this.#fields.values()].find((one) => !one.input.readOnly);
    field?.input.focus();
    field?.input.select?.();
  }

  /** The row has changed, here or elsewhere: fields that nobody is writing in follow it. */
  follow(row) {
    if (!this.#row || row[this.#version] < this.#row[this.#version]) return;
    const before = this.#row;
    this.#row = row;
    if (!this.isDirty) this.#base = row;
    const changed = this.#table.columns.filter((one) => !same(before[one.name], row[one.name]));
    const names = changed.filter((one) => !isKept(one, this.#table)).map(labelOf);
    if (this.isDirty && names.length > 0) {
      setText(this.#news, `Changed meanwhile: ${names.join(", ")}`);
    }
    this.#refill();
  }

  /** The row is gone for good. */
  gone() {
    if (!this.#row) return;
    setText(this.#news, "This row is gone.");
    this.#buttons.save.disabled = this.#buttons.remove.disabled = true;
  }

  // -- the form

  #make() {
    const editable = this.#table.columns.filter((one) => !isKept(one, this.#table));
    this.#title = h("h2", { id: "row-title" });
    this.#alert = h("p", { class: "alert", role: "alert" });
    this.#news = h("p", { class: "news", "aria-live": "polite" });
    this.#needs = h("p", { class: "muted" }, "What is required may stay empty where its column has a default.");
    this.#facts = h("dl", { class: "facts" });
    this.#buttons = {
      save: h("button", { type: "submit", class: "primary" }, "Save"),
      cancel: h("button", { type: "button", onclick: () => this.#cancel() }, "Cancel"),
      remove: h("button", { type: "button", class: "danger", onclick: () => this.#remove() }, "Delete"),
      restore: h("button", { type: "button", onclick: () => this.#restore() }, "Undelete"),
    };
    this.#form = h("form", {
      novalidate: true, autocomplete: "off",
      onsubmit: (event) => { event.preventDefault(); this.#save(); },
      onkeydown: (event) => this.#keyPressed(event),
    },
      h("div", { class: "fields" }, editable.map((column) => this.#makeField(column))),
      this.#needs, this.#alert, this.#news,
      h("div", { class: "buttons" }, this.#buttons.save, this.#buttons.cancel,
        h("span", { class: "gap" }), this.#buttons.restore, this.#buttons.remove),
      this.#facts);
    return h("section", { class: "editor", "aria-labelledby": "row-title" }, this.#title, this.#form);
  }

  #makeField(column) {
    const name = `field-${column.name}`;
    const input = this.#makeInput(column, name);
    const complaint = h("span", { class: "complaint", id: `${name}-complaint` });
    const type = h("span", { class: "type", "aria-hidden": "true", id: `${name}-type` });
    const field = { column, input, complaint, type, dirty: false, isNull: false, nullButton: null };
    if (column.nullable && column.name !== this.#key && input.tagName !== "SELECT") {
      field.nullButton = h("button", {
        type: "button", class: "null-button", "aria-label": `${labelOf(column)} is NULL`, title: "Write NULL",
        onclick: () => this.#setNull(field, !field.isNull),
      }, "NULL");
    }
    input.setAttribute("aria-describedby", `${type.id} ${complaint.id}`);
    input.addEventListener(input.type === "checkbox" || input.tagName === "SELECT" ? "change" : "input", () => {
      field.isNull = false;
      this.#touched(field);
    });
    input.addEventListener("change", () => this.#judge(field, true));
    this.#fields.set(column.name, field);
    return h("div", { class: "field" },
      h("label", { for: name }, labelOf(column)), type,
      h("div", { class: "control" }, input, field.nullButton), complaint);
  }

  #makeInput(column, id) {
    const common = { id, name: column.name };
    if (column.type === "BOOL") {
      return column.nullable
        ? h("select", common, ["", "true", "false"].map((one) => h("option", { value: one }, one || "NULL")))
        : h("input", { ...common, type: "checkbox" });
    }
    if (column.type === "ENUM") {
      return h("select", common, h("option", { value: "" }, column.nullable ? "NULL" : "—"),
        (column.enumValues ?? []).map((one) => h("option", { value: one }, one)));
    }
    const plain = { ...common, placeholder: column.name === this.#key ? "made by the server" : hint(column), spellcheck: "false" };
    const isKey = column.name === this.#key;
    if (!isKey && (column.type === "STRING" || column.type === "JSON")) {
      return h("textarea", { ...plain, rows: 1, class: column.type === "JSON" ? "code" : null });
    }
    return h("input", { ...plain, type: "text", class: "code" });
  }

  #setNull(field, isNull) {
    field.isNull = isNull;
    if (isNull) this.#write(field, null);
    this.#touched(field);
    if (!isNull) field.input.focus();
  }

  #touched(field) {
    if (!this.isDirty) this.#base = this.#row;
    field.dirty = true;
    if (this.#row && !this.#fault(field)) {
      field.dirty = !same(this.#read(field), this.#base?.[field.column.name]);
    }
    this.#complain(field, "");
    this.#judge(field, false);
    this.#show();
  }

  /** What cannot become right is told while it is written, the rest once the field is left. */
  #judge(field, isLeft) {
    const fault = field.dirty && field.input.value !== "" && this.#fault(field);
    if (fault && (isLeft || isHopeless(field.input.value, field.column))) this.#complain(field, fault);
  }

  /** Why a field cannot be read; null where it can. */
  #fault(field) {
    try {
      this.#read(field);
      return null;
    } catch (error) {
      return error.message;
    }
  }

  #read(field) {
    const { column, input } = field;
    if (field.isNull) return null;
    if (column.type === "BOOL" && input.type === "checkbox") return input.checked;
    const text = input.value;
    const chosen = input.tagName === "SELECT";
    // What is empty is no number and no time; texts may be empty.
    if (text === "" && (chosen || column.type !== "STRING")) {
      if (column.nullable || column.name === this.#key) return null;
    }
    return parsed(text, column);
  }

  #write(field, value) {
    const { input } = field;
    if (input.type === "checkbox") input.checked = value === true;
    else if (input.value !== written(value)) input.value = written(value);
    field.isNull = value === null || value === undefined;
  }

  /** Brings what is shown in line with the row, but for what is being written. */
  #refill() {
    for (const field of this.#fields.values()) {
      if (!field.dirty) this.#write(field, this.#row?.[field.column.name] ?? null);
      field.input.readOnly = field.column.name === this.#key && this.#row !== null;
    }
    this.#show();
  }

  #show() {
    const row = this.#row;
    if (this.isDraft !== this.#wasDraft) {
      this.#wasDraft = this.isDraft;
      this.dispatchEvent(new Event("draft"));
    }
    const deleted = Boolean(row?.[this.#deleted]);
    setText(this.#title, row ? `${this.id}` : `New row in ${this.#table.name}`);
    for (const field of this.#fields.values()) {
      if (field.nullButton) {
        setAttribute(field.nullButton, "aria-pressed", String(field.isNull));
        // What a new row leaves out has its column's default.
        field.nullButton.hidden = row === null;
      }
      setText(field.type, this.#factsOf(field.column));
      field.input.classList.toggle("dirty", field.dirty && row !== null);
      if (field.input.tagName === "TEXTAREA") {
        const lines = field.input.value.split("\n");
        const needed = lines.reduce((sum, line) => sum + Math.ceil((line.length + 1) / LINE), 0);
        field.input.rows = Math.min(12, Math.max(1, needed));
      }
    }
    this.#needs.hidden = row !== null || !this.#table.columns.some((one) => this.#isNeeded(one));
    this.#buttons.save.disabled = this.#busy || !this.#may(row ? "UPDATE" : "CREATE")
      || (row !== null && (!this.isDirty || deleted));
    this.#buttons.remove.hidden = row === null || deleted || !this.#may("DELETE");
    this.#buttons.restore.hidden = !deleted || !this.#may("DELETE") || !this.#may("UPDATE");
    this.element.classList.toggle("deleted", deleted);
    this.#facts.replaceChildren(...(row ? this.#table.columns.filter((one) => isKept(one, this.#table)) : [])
      .flatMap((one) => [h("dt", {}, one.name), h("dd", {}, shown(row[one.name], one))]));
  }

  /** Beside a field's label: its type, whether it must be written, and what it is called in filters. */
  #factsOf(column) {
    return [column.type.toLowerCase().replaceAll("_", " "),
      this.#row === null && this.#isNeeded(column) ? "required" : "",
      column.storedName ? `in filters ${column.name}` : ""].filter(Boolean).join(", ");
  }

  #isNeeded(column) { return !column.nullable && !column.system && column.type !== "BOOL"; }
  #may(operation) { return mayDo(this.#table, operation); }

  #keyPressed(event) {
    if (composing(event)) return;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.#cancel();
    } else if (event.key === "Enter" && event.target.tagName === "TEXTAREA") {
      // In a text Enter saves, as in a line; with Shift it is a line's end. JSON has lines.
      const column = this.#fields.get(event.target.name)?.column;
      const saves = event.ctrlKey || event.metaKey || (column?.type !== "JSON" && !event.shiftKey);
      if (!saves) return;
      event.preventDefault();
      this.#form.requestSubmit();
    }
  }

  // -- writing

  #patch() {
    const patch = {};
    let sound = true;
    for (const field of this.#fields.values()) {
      const { name } = field.column;
      if (!field.dirty || (this.#row && name === this.#key)) continue;
      try {
        patch[name] = this.#read(field);
        this.#complain(field, "");
      } catch (error) {
        this.#complain(field, error.message);
        if (sound) field.input.focus();
        sound = false;
      }
    }
    return sound ? patch : null;
  }

  #complain(field, message) {
    setText(field.complaint, message);
    setAttribute(field.input, "aria-invalid", message ? "true" : null);
  }

  async #save() {
    const patch = this.#patch();
    if (!patch || this.#busy) return;
    if (!this.#row) return this.#attempt(() => this.#access.create(present(patch)), "created");
    if (Object.keys(patch).length === 0) return;
    await this.#attempt(() => this.#access.update(this.id, patch, { ifVersion: this.#base[this.#version] }),
      "saved", patch);
  }

  #remove() {
    const row = this.#row;
    return this.#attempt(async () => {
      const last = await this.#access.delete(this.id, { ifVersion: row[this.#version] });
      return this.#table.softDelete ? last : null;
    }, "deleted");
  }

  #restore() {
    return this.#attempt(() => this.#access.update(this.id, { [this.#deleted]: false }, {
      ifVersion: this.#row[this.#version], includeDeleted: true,
    }), "undeleted");
  }

  async #attempt(write, done, patch = null) {
    if (this.#busy) return;
    this.#busy = true;
    setText(this.#alert, "");
    this.#show();
    try {
      this.#settle(await write(), done);
    } catch (error) {
      if (error.reason === "VERSION_MISMATCH" && error.row && patch) await this.#conflict(patch, error.row);
      else this.#refused(error);
    } finally {
      this.#busy = false;
      this.#show();
    }
  }

  #settle(row, done) {
    const last = this.#row;
    for (const field of this.#fields.values()) field.dirty = false;
    setText(this.#news, "");
    if (row) {
      this.#row = this.#base = row;
      this.#refill();
    }
    this.dispatchEvent(new CustomEvent(done, { detail: { row: row ?? last, id: String((row ?? last)[this.#key]) } }));
  }

  #refused(error) {
    const { metadata, violations } = error;
    const faults = violations?.length ? violations : [{ field: metadata?.column ?? metadata?.field, description: error.message }];
    const known = faults.filter(({ field }) => this.#fields.has(field));
    for (const { field, description } of known) this.#blame(this.#fields.get(field), description);
    if (known.length > 0) [...this.#fields.values()].find((one) => one.complaint.textContent).input.focus();
    if (error.reason === "VERSION_MISMATCH" && error.row) this.follow(error.row);
    // What stands at the fields is said once.
    if (known.length < faults.length) setText(this.#alert, explain(error));
  }

  #blame(field, description) {
    const text = `${description[0].toUpperCase()}${description.slice(1)}`;
    const isBox = field.input.type === "checkbox" && !field.dirty;
    this.#complain(field, isBox ? `${text}; saved again, it is written as it stands here` : text);
    if (isBox) field.dirty = true;
  }

  async #conflict(patch, theirs) {
    const choice = await resolveConflict(this.#table, this.#base, patch, theirs);
    this.#row = theirs;
    if (choice) this.#base = theirs;
    if (choice === "mine") {
      this.#busy = false;
      await this.#attempt(() => this.#access.update(this.id, patch, { ifVersion: theirs[this.#version] }),
        "saved", patch);
      return;
    }
    if (choice === "theirs") {
      for (const field of this.#fields.values()) {
        field.dirty = false;
        this.#complain(field, "");
      }
      setText(this.#news, "");
    }
    if (choice === "edit") this.#editOver(patch);
    this.#refill();
    this.dispatchEvent(new CustomEvent("followed", { detail: { row: theirs, id: this.id } }));
  }

  /** What was written stays in the form, as edits of the row that stands there now. */
  #editOver(patch) {
    const fields = Object.keys(patch).map((name) => this.#fields.get(name));
    for (const field of fields) this.#touched(field);
    setText(this.#news, "Your edits are now edits of the row as it is.");
    fields[0]?.input.focus();
  }

  #cancel() {
    for (const field of this.#fields.values()) {
      field.dirty = false;
      this.#complain(field, "");
    }
    this.#base = this.#row;
    setText(this.#alert, "");
    setText(this.#news, "");
    this.#refill();
    this.dispatchEvent(new Event("closed"));
  }
}

/** What a new row is made of: what was written, not what was left. */
function present(patch) {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== null));
}
