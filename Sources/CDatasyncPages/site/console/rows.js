/**
 * A table's rows as a grid wants them: any stretch of a list that may have a million, kept as
 * blocks, and live. What changes in place is put in place; what moves rows has the blocks in view
 * read anew.
 */

const BLOCK = 100;
/** Blocks kept; those longest out of view go first. */
const MAX_BLOCKS = 40;
const MAX_LOADING = 2;
/** Milliseconds between two readings of what is in view, while rows come and go. */
const REREAD = 200;
/** Rows that have changed while others are being read; with more of them what is in view is read once more. */
const MAX_RECENT = 1000;
/** How often a subscription that the server ended is begun anew before it is left. */
const MAX_RESTARTS = 5;

function newBlock() {
  return { rows: [], errors: [], query: null, next: "", used: 0, pending: true };
}

export class Rows extends EventTarget {
  #table;
  #options;
  #key;
  #version;
  #orderFields;
  #blocks = new Map();
  #places = new Map();
  #wanted = [0, 0];
  #loading = 0;
  #generation = 0;
  #readings = 0;
  #recent = new Map();
  #stale = false;
  #rereading = false;
  #lastReread = 0;
  #closed = false;
  #subscription = null;

  /** How many rows there are; 0 until `known`. */
  total = 0;
  known = false;
  /** Why changes do not arrive; null while they do. */
  notLive = null;

  /** `options`: filter, orderBy, includeDeleted; `key` and `version` are names of fields. */
  constructor(table, { filter = "", orderBy = "", includeDeleted = false, key, version }) {
    super();
    this.#table = table;
    this.#options = { filter, orderBy, includeDeleted };
    this.#key = key;
    this.#version = version;
    this.#orderFields = new Set(orderBy.match(/[A-Za-z_]\w*/g) ?? []);
  }

  /** Follows the changes, and from then on reads: what changes in between is missed by neither. */
  start() {
    this.#follow();
  }

  close() {
    this.#closed = true;
    this.#subscription?.return?.().catch?.(() => {});
  }

  /** Why rows that belong to what was read are missing from it. */
  get errors() { return [...this.#blocks.values()].flatMap((block) => block.errors); }

  row(index) {
    return this.#blocks.get(Math.floor(index / BLOCK))?.rows[index % BLOCK];
  }

  id(index) {
    const row = this.row(index);
    return row === undefined ? undefined : String(row[this.#key]);
  }

  /** Where a row stands, if it is among those kept. */
  indexOf(id) {
    return this.#places.get(id) ?? -1;
  }

  /** Says which rows are looked at: first up to, but without, end. */
  want(first, end) {
    this.#wanted = [Math.floor(first / BLOCK), Math.floor(Math.max(first, end - 1) / BLOCK)];
    if (this.known) this.#load();
  }

  /** Takes a row as a write has returned it, if it is newer than the one kept. */
  put(row) {
    this.#replace(String(row[this.#key]), row);
  }

  /** Reads what is in view anew, soon. */
  reread() {
    this.#stale = true;
    if (this.#rereading || this.#closed) return;
    this.#rereading = true;
    const due = Math.max(0, this.#lastReread + REREAD - performance.now());
    setTimeout(() => this.#reread(), due);
  }

  // -- reading

  /** What changes while rows are read may be newer than what comes; it is kept until they are there. */
  async #reading(run) {
    this.#readings++;
    try {
      await run();
    } finally {
      this.#readings--;
      if (this.#readings === 0) this.#recent.clear();
    }
  }

  #missing() {
    const [first, last] = this.#wanted;
    for (let number = first; number <= last; number++) {
      if (this.known && number * BLOCK >= this.total && number > 0) return -1;
      const block = this.#blocks.get(number);
      if (!block) return number;
    }
    return -1;
  }

  async #load() {
    if (this.#closed || this.#loading >= MAX_LOADING) return;
    const number = this.#missing();
    if (number < 0) return;
    const block = newBlock();
    this.#blocks.set(number, block);
    this.#loading++;
    const generation = this.#generation;
    try {
      await this.#reading(async () => {
        const total = await this.#fill(block, number, this.#blocks);
        if (!this.#closed && generation === this.#generation) this.#settle(total);
      });
    } catch (error) {
      if (this.#blocks.get(number) === block) this.#blocks.delete(number);
      this.#fail(error);
      return;
    } finally {
      this.#loading--;
    }
    this.#load();
  }

  /** Reads one block, behind its neighbour where that is known, else by its number. */
  async #fill(block, number, blocks) {
    const before = blocks.get(number - 1);
    const follows = before && !before.pending && before.next;
    block.query = follows ? before.query : this.#table.query({
      filter: this.#options.filter || undefined,
      orderBy: this.#options.orderBy || undefined,
      includeDeleted: this.#options.includeDeleted,
      skip: number * BLOCK,
      pageSize: BLOCK,
    });
    const page = await block.query.page(follows ? before.next : undefined);
    block.rows = [...page.rows];
    block.errors = page.errors ?? [];
    block.next = page.nextPageToken;
    block.pending = false;
    block.used = performance.now();
    // The rows are counted where a reading begins.
    return follows ? this.total : Number(page.total);
  }

  #settle(total) {
    this.total = total;
    this.known = true;
    this.#discard();
    this.#index();
    for (const [id, row] of this.#recent) this.#replace(id, row);
    this.dispatchEvent(new Event("rows"));
  }

  #discard() {
    const [first, last] = this.#wanted;
    const others = [...this.#blocks].filter(([number]) => number < first - 1 || number > last + 1);
    others.sort((one, other) => one[1].used - other[1].used);
    for (const [number, block] of others) {
      if (this.#blocks.size <= MAX_BLOCKS) break;
      if (!block.pending) this.#blocks.delete(number);
    }
  }

  #index() {
    this.#places.clear();
    for (const [number, block] of this.#blocks) {
      block.rows.forEach((row, offset) => {
        this.#places.set(String(row[this.#key]), number * BLOCK + offset);
      });
    }
  }

  /** Reads what is in view into blocks of its own, and puts them in the place of those before. */
  async #readView() {
    const [first, last] = this.#wanted;
    const generation = ++this.#generation;
    const blocks = new Map();
    let total = null;
    for (let number = first; number <= last; number++) {
      const block = newBlock();
      const counted = await this.#fill(block, number, blocks);
      total ??= counted;
      if (this.#closed || generation !== this.#generation) return;
      blocks.set(number, block);
      if (!block.next) break;
    }
    const seen = new Set(this.#places.keys());
    this.#keepNewer(blocks);
    this.#blocks = blocks;
    this.#settle(total);
    this.#announceNew(seen);
  }

  async #reread() {
    this.#stale = false;
    try {
      await this.#reading(() => this.#readView());
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#rereading = false;
      this.#lastReread = performance.now();
      if (this.#stale) this.reread();
      else this.#load();
    }
  }

  /** A change may have overtaken the reading; the row it brought stays. */
  #keepNewer(blocks) {
    for (const block of blocks.values()) {
      block.rows = block.rows.map((row) => {
        const kept = this.row(this.indexOf(String(row[this.#key])));
        return kept && kept[this.#version] >= row[this.#version] ? kept : row;
      });
    }
  }

  #announceNew(seen) {
    if (seen.size === 0) return;
    const [first, last] = this.#wanted;
    for (let index = first * BLOCK; index < (last + 1) * BLOCK; index++) {
      const id = this.id(index);
      if (id === undefined || seen.has(id) || !this.#added.has(id)) continue;
      this.#flash(id, null);
    }
    this.#added.clear();
  }
  #added = new Set();

  #fail(error) {
    if (this.#closed) return;
    this.dispatchEvent(new CustomEvent("failed", { detail: error }));
  }

  // -- following

  #begin() {
    if (this.known) this.reread();
    else this.#load();
  }

  async #follow() {
    for (let restarts = 0; restarts < MAX_RESTARTS && !this.#closed; restarts++) {
      try {
        this.#subscription = this.#table.subscribe({
          filter: this.#options.filter || undefined,
          start: "now",
        })[Symbol.asyncIterator]();
        for (let begun = false; ;) {
          const { value, done } = await this.#subscription.next();
          if (done || this.#closed) return;
          if (!begun && value.type === "checkpoint") {
            begun = true;
            this.#begin();
          }
          this.#take(value);
        }
      } catch (error) {
        if (this.#closed) return;
        if (!/^(HISTORY_|VIEW_CHANGED)/.test(error.reason ?? "")) {
          this.notLive = error;
          this.dispatchEvent(new Event("rows"));
          this.#begin();
          return;
        }
      }
    }
  }

  #take(event) {
    if (event.type === "checkpoint") return;
    if (event.type === "unreadable") return this.reread();
    this.dispatchEvent(new CustomEvent("change", { detail: event }));
    const id = String(event.id);
    if (event.type === "update") {
      const fields = event.changedFields ?? [];
      this.#replace(id, event.row, fields);
      if (this.#readings > 0 && this.#recent.size < MAX_RECENT) this.#recent.set(id, event.row);
      else if (this.#readings > 0) this.reread();
      if (fields.some((field) => this.#orderFields.has(field))) this.reread();
      return;
    }
    if (event.type === "add" && this.#added.size < BLOCK * MAX_BLOCKS) this.#added.add(id);
    this.reread();
  }

  #replace(id, row, fields = null) {
    const index = this.#places.get(id);
    if (index === undefined || !row) return;
    const block = this.#blocks.get(Math.floor(index / BLOCK));
    const kept = block?.rows[index % BLOCK];
    if (!kept || kept[this.#version] > row[this.#version]) return;
    block.rows[index % BLOCK] = row;
    this.dispatchEvent(new Event("rows"));
    this.#flash(id, fields);
  }

  #flash(id, fields) {
    this.dispatchEvent(new CustomEvent("flash", { detail: { id, fields } }));
  }
}
