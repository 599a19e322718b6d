// WebSockets that fail where a test wants them to.

/** What links do from here on; a test may change it at any time. */
export const links = {
  /** After how many messages the next link is lost; the one that would come then never comes. */
  cut: () => Infinity,
  /** No link comes. */
  isHeld: false,
  /** A link that is lost is the last for now. */
  holdsAfterCut: false,
  /** What comes instead of a message. */
  alter: (text) => text,
  /** Brings a message over the newest link that the server did not send. */
  deliver: () => {},
  /** Milliseconds that events come late, answers not. */
  eventsLate: 0,
  cuts: 0,
  events: 0,
}

// Links that are lost on purpose are followed by others at once: this is the jitter's source.
Math.random = () => 0

globalThis.WebSocket = class extends WebSocket {
  // What is held never opens; it takes no cut from those that do.
  #left = links.isHeld ? Infinity : links.cut()

  constructor(url, protocols) {
    super(links.isHeld ? 'ws://127.0.0.1:1' : url, protocols)
  }

  set onmessage(work) {
    if (work) links.deliver = (message) => work({ data: JSON.stringify(message) })
    super.onmessage = work && ((message) => this.#pass(message, work))
  }

  #pass(message, work) {
    this.#left -= 1
    if (this.#left < 0) return this.#lose()
    message = { data: links.alter(message.data) }
    const isEvent = message.data.includes('"event"')
    links.events += isEvent
    if (!isEvent || !links.eventsLate) return work(message)
    return setTimeout(() => super.onmessage && work(message), links.eventsLate)
  }

  #lose() {
    const { onclose } = this
    if (!onclose) return
    links.cuts += 1
    links.isHeld ||= links.holdsAfterCut
    onclose.call(this, { code: 1006, reason: '' })
    this.close()
  }
}
