/** For operators: the connections that the server has, and what runs on them, as channelz tells. */
import { clock, count, explain, h, setText } from "./dom.js";

const CHANNELZ = "grpc.channelz.v1.Channelz";
/** Connections looked at in one round, and rounds a minute. */
const MAX_SOCKETS = 100;
const EVERY = 2000;

export class OperatorsPage {
  #shell;
  #timer = null;
  #closed = false;
  #summary = h("span", { class: "summary" });
  #alert = h("p", { class: "alert", role: "alert" });
  #servers = h("tbody");
  #sockets = h("tbody");
  /** Shown once there is something to show. */
  #facts;
  element;

  constructor(shell) {
    this.#shell = shell;
    this.#facts = h("div", { hidden: true },
      tableOf("Servers", ["Listens on", "Calls", "Succeeded", "Failed", "Last call"], this.#servers),
      tableOf("Connections", ["No.", "From", "Streams now", "Streams", "Succeeded", "Failed",
        "Messages sent", "Messages received", "Last message"], this.#sockets),
      h("p", { class: "muted" }, "A session is one stream, and a subscription outside sessions another. ",
        "How many subscriptions a session holds, and how far behind they are, stands in the server's metrics."));
    this.element = h("section", { class: "page scroll", "aria-labelledby": "page-title" },
      h("header", { class: "page-head" }, h("h1", { id: "page-title" }, "Connections"), this.#summary),
      this.#alert, this.#facts);
    this.#look();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #look() {
    try {
      if (document.visibilityState === "visible") await this.#read();
      setText(this.#alert, "");
    } catch (error) {
      const isDenied = error.code === "PERMISSION_DENIED" || error.code === "UNAUTHENTICATED";
      setText(this.#alert, isDenied ? "Connections are shown to operators only." : explain(error));
      if (isDenied) this.#facts.hidden = true;
    }
    if (!this.#closed) this.#timer = setTimeout(() => this.#look(), EVERY);
  }

  async #read() {
    const { server: servers = [] } = await this.#call("GetServers");
    const sockets = [];
    for (const one of servers) {
      const { socketRef: found = [] } = await this.#call("GetServerSockets", {
        serverId: one.ref.serverId, maxResults: String(MAX_SOCKETS),
      });
      const read = await Promise.all(found.map(({ socketId }) => this.#call("GetSocket", { socketId })
        .catch((error) => { if (error.code === "NOT_FOUND") return null; throw error; })));
      sockets.push(...read.filter(Boolean).map(({ socket }) => socket));
    }
    if (this.#closed) return;
    setText(this.#summary, count(sockets.length, "connection"));
    this.#servers.replaceChildren(...servers.map(serverRow));
    this.#sockets.replaceChildren(...sockets.map(socketRow));
    this.#facts.hidden = false;
  }

  async #call(method, request = {}) {
    const { token } = this.#shell;
    const answer = await fetch(`/${CHANNELZ}/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify(request),
    });
    const type = answer.headers.get("content-type") ?? "";
    if (!type.startsWith("application/json")) throw new Error(`The server answered ${answer.status}.`);
    const body = await answer.json();
    if (answer.ok) return body;
    throw Object.assign(new Error(body.message), { code: String(body.code).toUpperCase() });
  }
}

function tableOf(caption, heads, body) {
  return h("div", { class: "scroll" }, h("table", { class: "wide" }, h("caption", {}, caption),
    h("thead", {}, h("tr", {}, heads.map((one) => h("th", { scope: "col" }, one)))), body));
}

const cells = (values) => h("tr", {}, values.map((value) => h("td", {}, String(value ?? ""))));

function serverRow({ data = {}, listenSocket = [] }) {
  return cells([listenSocket.map((one) => one.name).join(", "), data.callsStarted ?? 0,
    data.callsSucceeded ?? 0, data.callsFailed ?? 0, moment(data.lastCallStartedTimestamp)]);
}

function socketRow({ ref, data = {}, remote, remoteName }) {
  const started = Number(data.streamsStarted ?? 0);
  const ended = Number(data.streamsSucceeded ?? 0) + Number(data.streamsFailed ?? 0);
  return cells([ref.socketId, remoteName || addressOf(remote) || ref.name, started - ended, started,
    data.streamsSucceeded ?? 0, data.streamsFailed ?? 0, data.messagesSent ?? 0,
    data.messagesReceived ?? 0, moment(data.lastMessageReceivedTimestamp ?? data.lastMessageSentTimestamp)]);
}

const moment = (text) => text ? clock(text) : "";

/** An address as channelz sends it: 4 or 16 bytes in base64, and a port. */
function addressOf(address) {
  const { ipAddress, port } = address?.tcpipAddress ?? {};
  if (!ipAddress) return address?.udsAddress?.filename ?? "";
  const bytes = Array.from(atob(ipAddress), (character) => character.charCodeAt(0));
  if (bytes.length === 4) return `${bytes.join(".")}:${port}`;
  const groups = [];
  for (let place = 0; place < bytes.length; place += 2) {
    groups.push(((bytes[place] << 8) | bytes[place + 1]).toString(16));
  }
  return `[${groups.join(":")}]:${port}`;
}
