/** The console: one page over everything that the server lets its caller see. */
import { connect } from "/datasync.js";
import { explain, h, setAttribute, setText, throttled } from "./console/dom.js";
import { Drafts } from "./console/drafts.js";
import { Log, LogPage } from "./console/log.js";
import { OverviewPage } from "./console/overview.js";
import { TablePage } from "./console/table.js";

const TOKEN = "datasync-token";
const THEME = "datasync-theme";
/** Milliseconds that a message stays in sight, longer where it offers something. */
const SAID = 4000;
const OFFERED = 12_000;
/** Milliseconds before the log is followed again after the server refused it. */
const FOLLOW_AGAIN = 5000;

/** Pages by their addresses; those that few open are loaded when they are. */
const PAGES = {
  log: async () => LogPage,
  session: async () => (await import("./console/session.js")).SessionPage,
  connections: async () => (await import("./console/operators.js")).OperatorsPage,
};

const byId = (id) => document.getElementById(id);

class Console {
  client;
  #description = null;
  #page = null;
  #log = new Log();
  /** What was written in rows and not saved, whatever page is shown. */
  drafts = new Drafts();
  #saidTimer = null;

  start() {
    this.#theme();
    this.#signIn();
    this.client = connect(undefined, { token: this.token || undefined });
    this.client.addEventListener("statechange", () => this.#showState());
    this.#showState();
    addEventListener("hashchange", () => this.#route());
    addEventListener("beforeunload", (event) => { if (this.drafts.any) event.preventDefault(); });
    this.drafts.addEventListener("change", () => this.#mark());
    byId("skip").addEventListener("click", (event) => {
      // Addresses behind # are the console's own.
      event.preventDefault();
      byId("main").focus();
    });
    this.#log.addEventListener("change", throttled(500, () => this.#countChanges()));
    this.#describe();
    this.#followAll();
  }

  get token() { return sessionStorage.getItem(TOKEN) ?? ""; }

  /** The address of a table's page. */
  address(table, { filter = "", orderBy = "" } = {}) {
    const query = [filter && `filter=${encodeURIComponent(filter)}`,
      orderBy && `order_by=${encodeURIComponent(orderBy)}`].filter(Boolean).join("&");
    return `#/tables/${encodeURIComponent(table)}${query ? `?${query}` : ""}`;
  }

  /** Goes to a table's page. */
  go(table, query) {
    location.hash = this.address(table, query);
  }

  /** Says in a line what was done, with something to do about it where that is given. */
  say(text, offer = null, act = null) {
    clearTimeout(this.#saidTimer);
    const message = byId("message");
    setText(byId("message-text"), text);
    byId("message-offer").replaceChildren(...(offer ? [h("button", { type: "button", onclick: async () => {
      message.hidden = true;
      try {
        await act();
      } catch (error) {
        this.say(explain(error));
      }
      // The button is gone; what it did may have put the focus elsewhere.
      if (document.activeElement === document.body) byId("main").focus();
    } }, offer)] : []));
    message.hidden = false;
    this.#saidTimer = setTimeout(() => { message.hidden = true; }, offer ? OFFERED : SAID);
  }

  /** Asks who the caller is: the server refused what it was shown. */
  askForToken(error = null) {
    const dialog = byId("sign-in");
    // Nobody has tried anything yet.
    setText(byId("sign-in-error"), error && error.reason !== "CREDENTIALS_REQUIRED" ? explain(error) : "");
    if (!dialog.open) {
      byId("token").value = "";
      dialog.showModal();
    }
    byId("token").focus();
  }

  // -- who and how

  #signIn() {
    const dialog = byId("sign-in");
    byId("sign-in-button").addEventListener("click", () => {
      if (!this.token) return this.askForToken();
      sessionStorage.removeItem(TOKEN);
      location.reload();
    });
    byId("sign-in-cancel").addEventListener("click", () => dialog.close());
    byId("sign-in-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#authenticate(byId("token").value.trim());
    });
    setText(byId("sign-in-button"), this.token ? "Sign out" : "Sign in");
  }

  async #authenticate(token) {
    const dialog = byId("sign-in");
    const button = byId("sign-in-submit");
    button.disabled = true;
    try {
      await this.client.authenticate(token);
      sessionStorage.setItem(TOKEN, token);
      setText(byId("sign-in-button"), "Sign out");
      dialog.close();
      await this.#describe();
      this.#followAll();
    } catch (error) {
      setText(byId("sign-in-error"), explain(error));
      setAttribute(byId("token"), "aria-invalid", "true");
    } finally {
      button.disabled = false;
    }
  }

  #theme() {
    const button = byId("theme");
    const names = { "": "System", light: "Light", dark: "Dark" };
    const show = (theme) => {
      if (theme) document.documentElement.dataset.theme = theme;
      else delete document.documentElement.dataset.theme;
      setText(button, `◐ ${names[theme]}`);
      button.setAttribute("aria-label", `Theme: ${names[theme]}`);
    };
    show(localStorage.getItem(THEME) ?? "");
    button.addEventListener("click", () => {
      const order = Object.keys(names);
      const next = order[(order.indexOf(localStorage.getItem(THEME) ?? "") + 1) % order.length];
      localStorage.setItem(THEME, next);
      show(next);
    });
  }

  #showState() {
    const { state, error } = this.client;
    const shown = state !== "live" && error?.code === "UNAUTHENTICATED" ? "signed-out" : state;
    document.body.dataset.state = shown;
    setText(byId("state"), { live: "Live", connecting: "Connecting…", offline: "Offline", "signed-out": "Sign in" }[shown]);
    setText(byId("principal"), this.client.principal ?? "");
    if (state === "live" && this.#description === null) this.#describe();
  }

  // -- what there is

  async #describe() {
    try {
      await this.#readTables();
      this.#page?.close();
      this.#page = null;
      this.#route();
    } catch (error) {
      if (error.code === "UNAUTHENTICATED") {
        byId("main").replaceChildren(h("p", { class: "empty" }, "Sign in to see what is here."));
        this.askForToken(error);
      } else this.#problem(explain(error));
    }
  }

  async #readTables() {
    this.#description = await this.client.describe();
    this.#showTables();
    this.#countChanges();
    setText(byId("principal"), this.client.principal ?? "");
  }

  /** A table that has come since is heard of by its first change. */
  #noticeTable = throttled(1000, () => this.#readTables().then(() => this.#mark(), () => {}));

  #knows(table) {
    return !this.#description || this.#description.tables.some((one) => one.name === table);
  }

  #problem(text, title = "Problem") {
    this.#page?.close();
    this.#page = null;
    document.title = `${title} – Datasync`;
    byId("main").replaceChildren(h("section", { class: "page" }, h("h1", {}, title),
      h("p", { class: "alert", role: "alert" }, text, " ", h("a", { href: "#/" }, "All tables"))));
  }

  #showTables() {
    byId("tables").replaceChildren(...this.#description.tables.map((table) => h("li", {},
      h("a", { href: this.address(table.name), "data-table": table.name },
        h("span", {}, table.name), h("span", { class: "badge", "aria-hidden": "true", hidden: true })))));
  }

  #countChanges() {
    for (const link of byId("tables").querySelectorAll("a")) {
      const number = this.#log.counts.get(link.dataset.table) ?? 0;
      link.lastChild.hidden = number === 0;
      setText(link.lastChild, number > 999 ? "999+" : String(number));
    }
  }

  /** Follows every table, for the log and the numbers beside the tables' names. */
  async #followAll() {
    if (this.#following) return;
    this.#following = true;
    try {
      for await (const event of this.client.subscribe({ start: "now", previous: true })) {
        if (event.type === "checkpoint") continue;
        this.#log.add(event);
        if (!this.#knows(event.table)) this.#noticeTable();
      }
    } catch (error) {
      if (error.code !== "UNAUTHENTICATED") setTimeout(() => this.#followAll(), FOLLOW_AGAIN);
    } finally {
      this.#following = false;
    }
  }
  #following = false;

  // -- where we are

  #route() {
    if (!this.#description) return;
    const { kind, name, query } = place();
    this.#mark();
    if (kind === "tables" && name) {
      this.#showTable(name, { filter: query.get("filter") ?? "", orderBy: query.get("order_by") ?? "" });
    } else if (Object.hasOwn(PAGES, kind)) {
      this.#load(kind);
    } else {
      this.#open(new OverviewPage(this, this.#description), "Tables");
    }
  }

  async #load(kind) {
    try {
      const Page = await PAGES[kind]();
      if (place().kind === kind) this.#open(new Page(this, this.#description, this.#log), kind);
    } catch (error) {
      this.#problem(explain(error));
    }
  }

  #showTable(name, query) {
    const table = this.#description.tables.find((one) => one.name === name);
    if (!table) return this.#problem(`There is no table ${name}, or none for you.`, "Not found");
    if (this.#page instanceof TablePage && this.#page.name === name) return this.#page.show(query);
    this.#open(new TablePage(this, table, query), name);
  }

  #open(page, title) {
    this.#page?.close();
    this.#page = page;
    byId("main").replaceChildren(page.element);
    document.title = `${title} – Datasync`;
  }

  #mark() {
    const { kind, name } = place();
    for (const link of document.querySelectorAll("nav a")) {
      const here = link.dataset.table ? kind === "tables" && link.dataset.table === name : link.dataset.kind === kind;
      setAttribute(link, "aria-current", here ? "page" : null);
      if (link.dataset.table) link.classList.toggle("draft", this.drafts.of(link.dataset.table).length > 0);
    }
  }
}

/** What the address says: the kind of page, a table's name, and what is asked of it. */
function place() {
  const [path, search = ""] = location.hash.slice(1).split(/\?(.*)/s);
  const [, kind = "", name = ""] = path.split("/").map(decoded);
  return { kind, name, query: new URLSearchParams(search) };
}

/** An address may hold anything. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

new Console().start();
