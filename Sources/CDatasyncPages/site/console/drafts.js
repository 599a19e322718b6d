/** Edits that are not saved: kept, whatever row, table or page is chosen, until they are saved or cancelled. */

export class Drafts extends EventTarget {
  #editors = new Map();

  /** Whether there is anything that leaving the page would lose. */
  get any() { return [...this.#editors.keys()].some((table) => this.of(table).length > 0); }

  /** The editors of a table in which something is not saved. */
  of(table) { return [...this.#editors.get(table) ?? []].filter((editor) => editor.isDraft); }

  /** The editor in which a row is being written; `id` null is a new one's. */
  find(table, id) { return this.of(table).find((editor) => editor.id === id); }

  /** Knows an editor from now on, for as long as something in it is not saved. */
  keep(table, editor) {
    this.#editors.set(table, new Set([...this.of(table), editor]));
    editor.addEventListener("draft", this.#changed);
  }

  #changed = () => this.dispatchEvent(new Event("change"));
}
