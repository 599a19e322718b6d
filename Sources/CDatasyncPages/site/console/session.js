/** A session by hand: requests in JSON over the WebSocket, and every response as it comes. */
import { clock, composing, h, setText } from "./dom.js";

const PROTOCOL = "datasync.v1+json";
/** Messages kept in sight; the oldest go first. */
const MAX_MESSAGES = 500;

export class SessionPage {
  #shell;
  #socket = null;
  #next = 1;
  #list = h("div", { class: "transcript", role: "log", "aria-label": "Messages", tabindex: 0 });
  #status = h("span", { class: "summary", "aria-live": "polite" }, "Not connected");
  #alert = h("p", { class: "alert", role: "alert" });
  #text;
  #connect;
  #send;
  element;

  constructor(shell, description) {
    this.#shell = shell;
    this.#text = h("textarea", {
      id: "request", class: "code", rows: 8, spellcheck: "false",
      onkeydown: (event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !composing(event)) this.#submit();
      },
    });
    this.#connect = h("button", { type: "button", onclick: () => this.#toggle() }, "Connect");
    this.#send = h("button", { type: "submit", class: "primary" }, "Send");
    const templates = templatesFor(description.tables[0]);
    this.element = h("section", { class: "page session-page", "aria-labelledby": "page-title" },
      h("header", { class: "page-head" }, h("h1", { id: "page-title" }, "Session"), this.#status,
        h("span", { class: "gap" }), this.#connect),
      h("form", { class: "request", onsubmit: (event) => { event.preventDefault(); this.#submit(); } },
        h("label", { for: "request" }, "Request"), this.#text,
        h("div", { class: "buttons" }, this.#send,
          h("span", { class: "muted" }, "Ctrl+Enter sends; a request_id is added where there is none"),
          h("span", { class: "gap" }),
          Object.entries(templates).map(([name, request]) => h("button", {
            type: "button", class: "quiet", onclick: () => this.#take(request),
          }, name))), this.#alert),
      this.#list);
    this.#take(Object.values(templates)[0]);
  }

  close() { this.#socket?.close(); }

  #take(request) {
    this.#text.value = JSON.stringify(request, null, 2);
  }

  #toggle() {
    if (this.#socket) this.#socket.close();
    else this.#open();
  }

  #open() {
    const address = new URL("/datasync.v1.Datasync/Session", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address, [PROTOCOL]);
    this.#socket = socket;
    setText(this.#status, "Connecting…");
    setText(this.#connect, "Disconnect");
    const token = this.#shell.token;
    const opened = new Promise((resolve) => {
      socket.onopen = () => {
        setText(this.#status, "Connected");
        if (token) socket.send(JSON.stringify({ requestId: String(this.#next++), authenticate: { token } }));
        resolve(true);
      };
      socket.onclose = ({ code, reason }) => {
        setText(this.#status, `Closed: ${code}${reason ? ` ${reason}` : ""}`);
        setText(this.#connect, "Connect");
        if (this.#socket === socket) this.#socket = null;
        resolve(false);
      };
    });
    socket.onmessage = ({ data }) => this.#show("from", data);
    this.#opened = opened;
    return opened;
  }
  #opened = null;

  async #submit() {
    let request;
    try {
      request = JSON.parse(this.#text.value);
    } catch (error) {
      setText(this.#alert, error.message);
      return;
    }
    setText(this.#alert, "");
    if (!this.#socket) this.#open();
    if (!await this.#opened || !this.#socket) return;
    if (request.requestId === undefined && request.request_id === undefined) {
      request = { requestId: String(this.#next++), ...request };
    }
    const text = JSON.stringify(request);
    this.#socket.send(text);
    this.#show("to", text);
  }

  #show(side, text) {
    const atEnd = this.#list.scrollTop + this.#list.clientHeight >= this.#list.scrollHeight - 8;
    this.#list.append(h("div", { class: side }, h("span", { class: "muted" }, `${clock()} ${side === "to" ? "→" : "←"}`),
      h("code", {}, pretty(text))));
    while (this.#list.childElementCount > MAX_MESSAGES) this.#list.firstChild.remove();
    if (atEnd) this.#list.scrollTop = this.#list.scrollHeight;
  }
}

/** JSON in one line where it is short, else in several. */
function pretty(text) {
  if (text.length < 120) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function templatesFor(table) {
  const name = table?.name ?? "todo_items";
  const type = `type.googleapis.com/${table?.messageType ?? "tables.TodoItems"}`;
  return {
    Open: { open: { clientId: "console-by-hand" } },
    Describe: { describe: { table: name } },
    Query: { query: { table: name, pageSize: 5, count: true } },
    Subscribe: { subscribe: { table: name, now: {} } },
    Get: { get: { table: name, id: "…" } },
    Create: { create: { entity: { "@type": type } } },
    Cancel: { cancel: { requestId: "4" } },
  };
}
