/** The box for a filter: its text, where it is wrong, and what can be written. */
import { composing, h, setAttribute, setText } from "./dom.js";
import { labelOf } from "./values.js";

export class FilterBox extends EventTarget {
  #input;
  #alert;
  #marked;
  #message;
  #sent = "";
  #error = null;
  #help;
  #toggle;
  element;

  constructor(table) {
    super();
    this.#input = h("input", {
      type: "text", id: "filter", name: "filter", spellcheck: "false", autocomplete: "off",
      placeholder: example(table), class: "code",
      onkeydown: (event) => this.#key(event),
    });
    this.#marked = h("code", { class: "marked", "aria-hidden": "true" });
    this.#message = h("span", {});
    this.#alert = h("div", { class: "alert filter-alert", role: "alert", id: "filter-alert" });
    this.#help = h("div", { class: "help", id: "filter-help", hidden: true }, helpFor(table, (text) => {
      this.#input.value = text;
      this.#input.focus();
    }));
    this.#toggle = h("button", {
      type: "button", class: "quiet", "aria-expanded": "false", "aria-controls": "filter-help",
      "aria-label": "Filter language", title: "Filter language",
      onclick: () => this.#showHelp(this.#help.hidden),
    }, "?");
    this.element = h("form", {
      class: "filter", role: "search",
      onsubmit: (event) => { event.preventDefault(); this.#send(); },
    }, h("div", { class: "filter-line" }, h("label", { for: "filter" }, "Filter"), this.#input, this.#toggle,
      h("button", { type: "submit" }, "Apply")), this.#alert, this.#help);
  }

  #showHelp(isShown) {
    this.#help.hidden = !isShown;
    setAttribute(this.#toggle, "aria-expanded", String(isShown));
  }

  /** Closes the help; whether it was open. */
  closeHelp() {
    if (this.#help.hidden) return false;
    if (this.#help.contains(document.activeElement)) this.#toggle.focus();
    this.#showHelp(false);
    return true;
  }

  /** What the address says; where that is what was sent from here, somebody may be writing on already. */
  set value(text) {
    if (text === this.#sent) return;
    this.#sent = text;
    this.#input.value = text;
  }

  /** Shows what is wrong with the filter, and where, and what is shown instead; null: nothing is. */
  complain(error, note = "") {
    if (error === this.#error) return;
    this.#error = error;
    setAttribute(this.#input, "aria-invalid", error ? "true" : null);
    setAttribute(this.#input, "aria-errormessage", error ? "filter-alert" : null);
    if (!error) {
      this.#alert.replaceChildren();
      return;
    }
    const position = Number(error.position ?? error.metadata?.position) || 0;
    setText(this.#message, error.message);
    this.#mark(position);
    this.#alert.replaceChildren(this.#message, ...(position > 0 ? [this.#marked] : []), h("span", {}, note));
  }

  /** Positions count characters of Unicode, from 1. */
  #mark(position) {
    const characters = Array.from(this.#input.value);
    const wrong = /^\w+/.exec(characters.slice(position - 1).join(""))?.[0] ?? characters[position - 1] ?? " ";
    this.#marked.replaceChildren(
      characters.slice(0, position - 1).join(""), h("mark", {}, wrong),
      characters.slice(position - 1).join("").slice(wrong.length));
  }

  #key(event) {
    if (event.key === "Enter" && composing(event)) event.preventDefault();
    if (event.key !== "Escape" || composing(event) || this.#input.value === "" || !this.#help.hidden) return;
    event.stopPropagation();
    this.#input.value = "";
    this.#send();
  }

  #send() {
    this.#sent = this.#input.value.trim();
    this.dispatchEvent(new CustomEvent("filter", { detail: this.#sent }));
  }
}

function example(table) {
  const [first = ""] = examples(table);
  const named = table.columns.find((one) => one.storedName && first.includes(one.name));
  return named ? `${first} – ${namesOf(named)}` : first;
}

/** Filters use the names of fields. */
const namesOf = (column) => `${column.name} is ${labelOf(column)}`;

function examples(table) {
  const found = [];
  for (const column of table.columns.filter((one) => !one.system)) {
    const { name } = column;
    switch (column.type) {
      case "STRING": found.push(`contains(${name}, 'text')`); break;
      case "INT64": case "DOUBLE": case "DECIMAL": found.push(`${name} gt 10`); break;
      case "BOOL": found.push(`${name} eq true`); break;
      case "DATE": found.push(`year(${name}) eq 2024`); break;
      case "TIMESTAMP": found.push(`${name} ge 2024-01-01T00:00:00Z`); break;
      case "ENUM": found.push(`${name} in ('${(column.enumValues ?? []).slice(0, 2).join("', '")}')`); break;
      default: break;
    }
  }
  return found.slice(0, 6);
}

function helpFor(table, take) {
  return [
    h("p", {}, "OData's $filter: ", h("code", {}, "eq ne gt ge lt le in has not and or"), ", ",
      h("code", {}, "add sub mul div mod"), ", and functions such as ",
      h("code", {}, "contains, startswith, endswith, tolower, length, year, month, round"), ". For example:"),
    h("div", { class: "examples" }, examples(table).map((text) => h("button", {
      type: "button", class: "quiet code", onclick: () => take(text),
    }, text))),
    h("p", {}, table.columns.filter((one) => one.storedName).map(namesOf).join(", ")),
  ];
}
