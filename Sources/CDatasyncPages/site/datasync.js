/**
 * Datasync's client for browsers and Node: tables as live lists, writes that survive lost links, and
 * a queue for working offline. One module, no dependency. Its types are in datasync.d.ts.
 *
 *     import { connect } from '/datasync.js'
 *     const client = connect()
 *     const todos = client.table('todo_items')
 *     await todos.create({ title: 'Milk' })
 *     for await (const { rows } of todos.live({ orderBy: 'title' })) render(rows)
 *
 * From the bottom up: errors, values and rows, order; the two links (WebSocket, Connect); the
 * connection, which outlives links; feeds, which outlive them too; subscriptions and live lists; the
 * queue; tables and the client.
 *
 * @module
 */

// ---------------------------------------------------------------- bounds and times

const TIMEOUT = 30_000
/** A link that neither opens nor fails. */
const OPEN_TIMEOUT = 15_000
/** A link without a message is asked for one, and given up that long after. */
const SILENT_AFTER = 20_000
const DEAD_AFTER = 45_000
/** When the page is shown again, less silence than this needs no probe. */
const FRESH = 2_000
const BACKOFF_FIRST = 200
const BACKOFF_MOST = 30_000
/** A link that has lived so long begins the backoff anew. */
const STEADY_AFTER = 10_000
const POLL_INTERVAL = 2_000
/** WebSockets that never opened before HTTP is tried. */
const UNOPENED_MOST = 2
const CALLS_MOST = 10_000
/** A call of more characters than this is given up when so many links were lost over it. */
const LARGE = 1 << 20
const LOSSES_MOST = 3
/** Events that wait for a reader, before the server is asked to stop; initial rows apart. */
const EVENTS_MOST = 1_000
const INITIAL_EVENTS_MOST = 1_000_000
/** Bytes of an answer over HTTP that is not whole. */
const ENVELOPE_MOST = 256 << 20
/** The queue's own link is closed when nothing was sent for so long. */
const QUEUE_IDLE = 30_000

const SERVICE = '/datasync.v1.Datasync/'
const PROTOCOL = 'datasync.v1+json'
const CODES = [
  'OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND',
  'ALREADY_EXISTS', 'PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED',
  'OUT_OF_RANGE', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED',
]
/** What begins a feed anew instead of ending it. */
const BEGIN_ANEW = new Set(['HISTORY_COMPACTED', 'HISTORY_REPLACED', 'VIEW_CHANGED'])

// ---------------------------------------------------------------- errors

/** What went wrong, as the server said it, or this client. */
export class DatasyncError extends Error {
  /**
   * @param {string} code the name of a gRPC code: `NOT_FOUND`
   * @param {string} message for people
   * @param {object} [details]
   */
  constructor(code, message, details = {}) {
    super(message)
    this.name = 'DatasyncError'
    this.code = code
    /** For programs: `VERSION_MISMATCH`. */
    this.reason = details.reason ?? ''
    /** The stored row, where a write met another. */
    this.row = details.row ?? null
    /** Where in a filter or an order, from 1. */
    this.position = details.position ?? null
    this.metadata = details.metadata ?? {}
    /** What is wrong with which field: `{field, description}`. */
    this.violations = details.violations ?? []
    /** In milliseconds, where the server said when to come again. */
    this.retryAfter = details.retryAfter ?? null
  }
}

/** The error that a google.rpc.Status in JSON tells; `rowOf` reads a row in its details. */
function errorOf(status, rowOf) {
  const details = {}
  for (const detail of status.details ?? []) {
    const type = detail['@type']?.split('/').pop()
    if (type === 'google.rpc.ErrorInfo') {
      details.reason = detail.reason
      details.metadata = detail.metadata ?? {}
      if (detail.metadata?.position) details.position = Number(detail.metadata.position)
    } else if (type === 'google.rpc.BadRequest') {
      details.violations = detail.fieldViolations ?? []
    } else if (type === 'google.rpc.RetryInfo') {
      details.retryAfter = parseFloat(detail.retryDelay ?? '0') * 1000
    } else if (type?.startsWith('tables.')) {
      details.row = rowOf?.(detail) ?? null
    }
  }
  return new DatasyncError(CODES[status.code ?? 0] ?? 'UNKNOWN', status.message ?? '', details)
}

/** Whether the same may go well later. */
const passes = ({ code, retryAfter }) =>
  retryAfter != null || ['OK', 'UNAVAILABLE', 'CANCELLED', 'DEADLINE_EXCEEDED'].includes(code)

const unavailable = (message) => new DatasyncError('UNAVAILABLE', message)
const closedError = () => new DatasyncError('CANCELLED', 'The client is closed.')

/** Refuses an option that does not exist: one that is misspelt would be passed over in silence. */
function checkOptions(method, options, known) {
  for (const name of Object.keys(options ?? {})) {
    if (known.includes(name)) continue
    const plain = name.replaceAll('_', '').toLowerCase()
    const meant = known.find((one) => one.toLowerCase() === plain)
    const advice = meant ? `write ${meant}` : `it has ${known.join(', ')}`
    throw new TypeError(`${method} has no option ${name}: ${advice}`)
  }
}

const OPTIONS = {
  connect: ['token', 'clientId', 'queue', 'transport', 'timeout'],
  query: ['filter', 'orderBy', 'select', 'top', 'skip', 'pageSize', 'includeDeleted'],
  live: ['filter', 'orderBy', 'select', 'includeDeleted'],
  subscribe: ['filter', 'select', 'previous', 'start', 'excludeOwn', 'includeDeleted'],
  get: ['select', 'includeDeleted'],
  write: ['ifVersion', 'includeDeleted', 'allowMissing'],
}

// ---------------------------------------------------------------- values and rows

/** `count` random bytes; also where the page came over plain HTTP. */
const randomBytes = (count) => crypto.getRandomValues(new Uint8Array(count))
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** A UUID of version 7, as the server makes keys: later ones are greater. */
function uuid() {
  const bytes = randomBytes(16)
  let time = Date.now()
  for (let index = 5; index >= 0; index -= 1) {
    bytes[index] = time % 256
    time = Math.floor(time / 256)
  }
  bytes[6] = 0x70 | (bytes[6] & 0x0f)
  bytes[8] = 0x80 | (bytes[8] & 0x3f)
  return hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** An int64 in JSON, as a number where that is exact. */
function integer(text) {
  const number = Number(text ?? 0)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

function bytesOf(base64) {
  const text = atob(base64)
  const bytes = new Uint8Array(text.length)
  for (let index = 0; index < text.length; index += 1) bytes[index] = text.charCodeAt(index)
  return bytes
}

function base64Of(bytes) {
  let text = ''
  for (let start = 0; start < bytes.length; start += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(start, start + 0x8000))
  }
  return btoa(text)
}

/** A value as JSON carries it. */
function encoded(value, type) {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Date) return value.toISOString()
  if (value instanceof ArrayBuffer) return base64Of(new Uint8Array(value))
  if (ArrayBuffer.isView(value)) {
    return base64Of(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
  }
  if (type === 'DECIMAL' && typeof value === 'number') return String(value)
  return value
}

/** A field's name in JSON, by protobuf's rule. */
const jsonName = (name) => name.replace(/_+(.?)/g, (_, letter) => letter.toUpperCase())

/** Whether two values of a column are the same. */
function sameValue(left, right) {
  if (left === right) return true
  if (!(left instanceof Uint8Array && right instanceof Uint8Array)) return false
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}

function sameRow(left, right) {
  for (const name in left) if (!sameValue(left[name], right[name])) return false
  return true
}

/** What Describe says of a table, and how its rows are read and written. */
class Schema {
  constructor(table) {
    this.table = table
    this.name = table.name
    this.columns = new Map(table.columns.map((column) => [column.name, column]))
    this.byJSON = new Map(table.columns.map((column) => [jsonName(column.name), column]))
    this.key = table.columns.find((column) => column.number === 1) ?? table.columns[0]
  }

  /** The names of a row's columns, in order: all, or those selected and the key. */
  shape(select) {
    const names = [...this.columns.keys()]
    if (!select?.length) return names
    return names.filter((name) => name === this.key.name || select.includes(name))
  }

  /**
   * A row from an Any in JSON, frozen; null where there is none.
   * @param {string[]} [shape] the columns that it has
   */
  row(any, shape = this.shape()) {
    if (!any?.['@type']) return null
    const row = {}
    for (const name of shape) row[name] = name === 'deleted' ? false : null
    for (const name in any) {
      const column = this.byJSON.get(name) ?? this.columns.get(name)
      if (column && column.name in row) row[column.name] = Schema.#value(any[name], column.type)
      else if (!column && name !== '@type') this.isStale = true
    }
    return Object.freeze(row)
  }

  static #value(value, type) {
    if (type === 'INT64') return integer(value)
    if (type === 'BYTES') return bytesOf(value)
    return value
  }

  /** The Any of a row in JSON; NULL is left out. */
  any(row, { keepDeleted = false } = {}) {
    const any = { '@type': `type.googleapis.com/${this.table.messageType}` }
    for (const [name, value] of Object.entries(row)) {
      const column = this.columns.get(name)
      const isSet = !column?.system || column === this.key || (keepDeleted && name === 'deleted')
      if (value != null && isSet) any[name] = encoded(value, column?.type)
    }
    return any
  }

  /** One write as the contract has it. */
  write({ kind, id, row, options = {} }) {
    const { ifVersion, includeDeleted, allowMissing } = options
    const request = {}
    if (ifVersion != null) request.ifVersion = String(ifVersion)
    if (kind === 'delete') return { ...request, table: this.name, id: String(id) }
    if (includeDeleted) request.includeDeleted = true
    if (allowMissing) request.allowMissing = true
    const names = Object.keys(row).filter((name) => row[name] !== undefined)
    if (kind === 'update') request.updateMask = names.map(jsonName).join(',')
    const whole = id == null ? row : { ...row, [this.key.name]: id }
    request.entity = this.any(whole, { keepDeleted: includeDeleted })
    return request
  }
}

/** A table as Describe's JSON has it, with what JSON leaves out. */
function describedTable(table) {
  return {
    softDelete: false, defaultPageSize: 0, maxPageSize: 0, allowed: [], ...table,
    columns: (table.columns ?? []).map((column) => ({
      nullable: false, system: false, enumValues: [], storedName: '', ...column,
    })),
  }
}

// ---------------------------------------------------------------- order

/** By code point, which UTF-16's order is but for surrogates. */
function compareText(left, right) {
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index += 1) {
    let a = left.charCodeAt(index)
    let b = right.charCodeAt(index)
    if (a === b) continue
    if (a >= 0xd800 && b >= 0xd800) {
      a += a >= 0xe000 ? -0x800 : 0x2000
      b += b >= 0xe000 ? -0x800 : 0x2000
    }
    return a - b
  }
  return left.length - right.length
}

/** Decimals are texts of any length, compared as numbers. */
function compareDecimals(left, right) {
  const isNegative = left.startsWith('-')
  if (isNegative !== right.startsWith('-')) return isNegative ? -1 : 1
  const parts = (text) => text.replace('-', '').split('.')
  const [[a, aPart = ''], [b, bPart = '']] = [parts(left), parts(right)]
  const places = Math.max(aPart.length, bPart.length)
  const order = a.length - b.length ||
    compareText(a + aPart.padEnd(places, '0'), b + bPart.padEnd(places, '0'))
  return isNegative ? -order : order
}

function compareBytes(left, right) {
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index += 1) {
    if (left[index] !== right[index]) return left[index] - right[index]
  }
  return left.length - right.length
}

const compareNumbers = (left, right) => (left < right ? -1 : left > right ? 1 : 0)
// A fraction makes a time longer, and later; the Z after it must not count.
const withoutZone = (text) => (text.endsWith('Z') ? text.slice(0, -1) : text)
const COMPARE = {
  BOOL: compareNumbers, INT64: compareNumbers, DOUBLE: compareNumbers,
  BYTES: compareBytes, DECIMAL: compareDecimals,
  TIMESTAMP: (left, right) => compareText(withoutZone(left), withoutZone(right)),
}

function comparerOf(column) {
  if (column.type === 'ENUM') {
    const ranks = new Map(column.enumValues.map((value, rank) => [value, rank]))
    return (left, right) => (ranks.get(left) ?? -1) - (ranks.get(right) ?? -1)
  }
  return COMPARE[column.type] ?? compareText
}

/** The terms of an `orderBy`, or null where it is none that this table knows. */
function orderTerms(text, schema) {
  const terms = []
  for (const part of text.trim() ? text.split(',') : []) {
    const [name, direction = 'asc', ...more] = part.trim().split(/\s+/)
    const column = schema.columns.get(name.replace(/^\$it\//, ''))
    const isKnown = column && !more.length && ['asc', 'desc'].includes(direction)
    if (!isKnown || terms.some((term) => term.column === column)) return null
    terms.push({ column, isDescending: direction === 'desc' })
  }
  if (!terms.some((term) => term.column === schema.key)) {
    terms.push({ column: schema.key, isDescending: false })
  }
  return terms
}

/** Compares rows as the server orders them; NULL is the least. */
function rowOrder(terms) {
  const keys = terms.map(({ column, isDescending }) => ({
    name: column.name, compare: comparerOf(column), sign: isDescending ? -1 : 1,
  }))
  return (left, right) => {
    for (const { name, compare, sign } of keys) {
      const a = left[name]
      const b = right[name]
      if (a === b) continue
      const order = a === null ? -1 : b === null ? 1 : compare(a, b)
      if (order) return order * sign
    }
    return 0
  }
}

/** The first place of a sorted list whose row does not come before this one. */
function placeOf(rows, row, compare, from = 0) {
  let low = from
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compare(rows[middle], row) < 0) low = middle + 1
    else high = middle
  }
  return low
}

// ---------------------------------------------------------------- links
//
// A link carries SessionRequests one way and SessionResponses the other, until it is closed. It has
// `send(request)` and `close()`, and calls `opened()`, `heard(response)`, `ended(code, reason)`.

/** The session over a WebSocket. */
class SocketLink {
  #socket
  #timer
  #ended
  tellsPrincipal = true

  constructor(url, { opened, heard, ended }) {
    this.#ended = ended
    this.#socket = new WebSocket(`${url.replace(/^http/, 'ws')}${SERVICE}Session`, [PROTOCOL])
    this.#timer = setTimeout(() => this.close('The link did not open.'), OPEN_TIMEOUT)
    this.#socket.onopen = () => {
      clearTimeout(this.#timer)
      opened()
    }
    this.#socket.onmessage = ({ data }) => heard(JSON.parse(data))
    // A page is told nothing else, and a close follows; Node 22 has none where it did not open.
    this.#socket.onerror = () => this.#end(1006, '')
    this.#socket.onclose = ({ code, reason }) => this.#end(code, reason)
  }

  send(request) {
    const text = JSON.stringify(request)
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text)
    return text.length
  }

  /** Ends the link at once: a closing handshake over a dead one would take its time. */
  close(reason = '') {
    this.#end(1006, reason)
  }

  #end(code, reason) {
    if (!this.#socket.onclose) return
    clearTimeout(this.#timer)
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null
    this.#socket.onerror = () => {}
    this.#socket.close()
    this.#ended(code, reason)
  }
}

/** Methods of the service by the session's words: their names, and the answers' fields. */
const METHODS = {
  create: ['Create', 'write'], replace: ['Replace', 'write'], update: ['Update', 'write'],
  delete: ['Delete', 'write'], commit: ['Commit', 'commit'], get: ['Get', 'get'],
  query: ['Query', 'query'], describe: ['Describe', 'describe'],
}

/** The session's requests as Connect's calls, where no WebSocket gets through. */
class CallLink {
  #url
  #heard
  #ended
  #token = ''
  #clientId = ''
  #streams = new Map()
  #streamsMost = 1
  #abort = new AbortController()
  tellsPrincipal = false

  constructor(url, { opened, heard, ended }) {
    this.#url = url
    this.#heard = heard
    this.#ended = ended
    queueMicrotask(opened)
  }

  send(request) {
    const { requestId, cancel, authenticate, open, subscribe } = request
    this.#answered(requestId, async () => {
      if (cancel) return this.#cancel(cancel.requestId)
      if (authenticate) {
        this.#token = authenticate.token
        return { authenticate: await this.#probe() }
      }
      if (open) {
        this.#clientId = open.clientId
        return { open: { ...(await this.#probe()), clientId: open.clientId } }
      }
      if (subscribe) return this.#subscribe(requestId, subscribe)
      const kind = Object.keys(METHODS).find((name) => request[name])
      const [method, field] = METHODS[kind]
      return { [field]: await this.#unary(method, request[kind]) }
    })
    return JSON.stringify(request).length
  }

  close(reason = '') {
    if (this.#abort.signal.aborted) return
    this.#abort.abort()
    this.#ended(1006, reason)
  }

  /** Answers a request with what comes of it; a failure of the net ends the link. */
  async #answered(requestId, work) {
    try {
      const response = await work()
      if (response && !this.#abort.signal.aborted) this.#heard({ requestId, ...response })
    } catch (error) {
      if (this.#abort.signal.aborted) return
      if (error.status) this.#heard({ requestId, status: error.status })
      else if (error.name !== 'AbortError') this.close(error.message)
    }
  }

  #post(method, type, body, signal = this.#abort.signal) {
    const headers = { 'content-type': `application/${type}`, 'connect-protocol-version': '1' }
    if (this.#token) headers.authorization = `Bearer ${this.#token}`
    if (this.#clientId) headers['datasync-client-id'] = this.#clientId
    return fetch(this.#url + SERVICE + method, {
      method: 'POST', headers, body, signal, cache: 'no-store',
    })
  }

  async #unary(method, request) {
    const answer = await this.#post(method, 'json', JSON.stringify(request))
    const text = await answer.text()
    let message
    try {
      message = JSON.parse(text)
    } catch {
      throw notOfConnect(answer)
    }
    if (!answer.ok) throw refusal(message)
    return message
  }

  /** Whether the server is there and takes the credentials, at little cost. */
  async #probe() {
    const { sequence } = await this.#unary('Changes', {})
    const entries = globalThis.performance?.getEntriesByName?.(`${this.#url}${SERVICE}Changes`) ?? []
    const isMultiplexed = ['h2', 'h3'].includes(entries.at(-1)?.nextHopProtocol)
    this.#streamsMost = isMultiplexed ? Infinity : 1
    return { sequence }
  }

  async #cancel(target) {
    const stream = this.#streams.get(target)
    stream?.abort()
    this.#streams.delete(target)
    if (!stream) await this.#probe()
    return { status: {} }
  }

  async #subscribe(requestId, request) {
    const abort = new AbortController()
    const aborted = () => abort.abort()
    this.#abort.signal.addEventListener('abort', aborted)
    const isPolled = this.#streams.size >= this.#streamsMost
    this.#streams.set(requestId, abort)
    try {
      if (isPolled) await this.#poll(requestId, request, abort.signal)
      else await this.#stream(requestId, request, abort.signal)
      return { status: {} }
    } finally {
      this.#abort.signal.removeEventListener('abort', aborted)
      if (this.#streams.get(requestId) === abort) this.#streams.delete(requestId)
    }
  }

  /** A server stream; returns the last checkpoint. */
  async #stream(requestId, request, signal) {
    const body = envelope(JSON.stringify(request))
    const answer = await this.#post('Subscribe', 'connect+json', body, signal)
    if (!answer.ok) throw notOfConnect(answer)
    let checkpoint
    for await (const [flags, text] of envelopes(answer.body)) {
      const message = JSON.parse(text)
      if (flags & 2) {
        if (message.error) throw refusal(message.error)
        return checkpoint
      }
      checkpoint = message.checkpoint ?? checkpoint
      this.#heard({ requestId, event: message })
    }
    throw new Error('The answer was cut off.')
  }

  /** The same from Changes, every so often; only the rows as they are come by a stream. */
  async #poll(requestId, { resumeToken, now, ...request }, signal) {
    let token = resumeToken
    if (!token && !now) {
      token = (await this.#stream(requestId, { ...request, once: true }, signal)).resumeToken
    }
    const { heartbeatInterval: _, ...polled } = request
    let isCurrent = Boolean(token) && !resumeToken
    while (!signal.aborted) {
      const answer = await this.#unary('Changes', { ...polled, resumeToken: token ?? '' })
      if (signal.aborted) return
      for (const change of answer.changes ?? []) this.#heard({ requestId, event: { change } })
      for (const unreadable of answer.unreadable ?? []) {
        this.#heard({ requestId, event: { unreadable } })
      }
      token = answer.resumeToken
      const checkpoint = { resumeToken: token, sequence: answer.sequence }
      if (!isCurrent && !answer.more) checkpoint.current = isCurrent = true
      this.#heard({ requestId, event: { checkpoint } })
      if (!answer.more) await slept(POLL_INTERVAL, signal)
    }
  }
}

/** Resolves after a time, or when aborted. */
function slept(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    signal?.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}

/** An answer that is not Datasync's: it will not be another next time, or the server is not there. */
function notOfConnect({ status, statusText }) {
  const message = `${status} ${statusText}: no answer of Datasync's`
  const isLasting = status >= 400 && status < 500 && status !== 408 && status !== 429
  return isLasting ? refusal({ code: 'unimplemented', message }) : new Error(message)
}

/** What Connect's error says, as an error that holds a google.rpc.Status in JSON. */
function refusal({ code, message, details = [] }) {
  const status = {
    code: Math.max(CODES.indexOf(String(code).toUpperCase()), 2), message,
    details: details.map(({ type, debug }) => ({
      '@type': `type.googleapis.com/${type}`, ...debug,
    })),
  }
  if (code === 'canceled') status.code = 1
  return Object.assign(new Error(message), { status })
}

/** One message of a stream: its flags, its length, itself. */
function envelope(text) {
  const message = new TextEncoder().encode(text)
  const bytes = new Uint8Array(5 + message.length)
  new DataView(bytes.buffer).setUint32(1, message.length)
  bytes.set(message, 5)
  return bytes
}

/** The messages of a body, each with its flags. */
async function* envelopes(body) {
  const reader = body.getReader()
  let held = new Uint8Array(0)
  try {
    for (;;) {
      while (held.length >= 5) {
        const length = new DataView(held.buffer, held.byteOffset).getUint32(1)
        if (length > ENVELOPE_MOST) throw new Error(`A message of ${length} bytes is too large.`)
        if (held.length < 5 + length) break
        yield [held[0], new TextDecoder().decode(held.subarray(5, 5 + length))]
        held = held.subarray(5 + length)
      }
      const { done, value } = await reader.read()
      if (done) return
      const joined = new Uint8Array(held.length + value.length)
      joined.set(held)
      joined.set(value, held.length)
      held = joined
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}

/** Names the holder of a token: a JWT's issuer and subject, of another token a hash. */
function credentialOf(token) {
  if (!token) return ''
  try {
    const claims = JSON.parse(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')))
    if (claims.sub) return `${claims.iss} ${claims.sub}`
  } catch {
    // No JWT.
  }
  // FNV-1a; it need not keep the token secret beside the page that holds it.
  let hash = 0xcbf29ce484222325n
  for (const letter of token) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(letter.codePointAt(0))) * 0x100000001b3n)
  }
  return `token ${hash.toString(16)}`
}

// ---------------------------------------------------------------- connection

/** Ends with an error where a promise takes too long. */
function within(milliseconds, promise, what) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(unavailable(`${what} took more than ${milliseconds} ms`)), milliseconds)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/**
 * One client id's session, over one link after another.
 *
 *     connecting ──opened──▶ live ──lost──▶ connecting
 *         └────failed──▶ offline ──────opened──▶ live
 *
 * Calls that are not answered go again over the next link, in their order; feeds begin again where
 * they were. Refused credentials fail what waits, and wait for others.
 */
class Connection {
  state = 'connecting'
  /** Why it is offline. */
  error = null
  /** Whom the server takes the caller for; undefined where it has not said. */
  principal
  #url
  #clientId
  #transport
  #token
  #rowOf
  #changed
  #link = null
  #isOpen = false
  #isClosed = false
  #calls = new Map()
  #feeds = new Map()
  #waiting = new Set()
  #ids = 0
  #attempts = 0
  /** WebSockets that never opened; the first that does ends the counting. */
  #unopened = 0
  #hasOpened = false
  /** Whether the server has answered over HTTP. */
  #isThere = false
  /** Why the handshake failed. */
  #failure = null
  #retry
  #heardAt = 0
  #liveAt = 0
  #silence
  #renewal = null
  /** The last token that the server took. */
  #accepted = null
  /** Why it did not take the last one. */
  #refused = null
  #signIns = []

  /**
   * @param {{url: string, clientId: string, transport: string, token: any, rowOf: Function}} options
   *   `rowOf` reads rows in errors
   * @param {() => void} changed called when `state` is another
   */
  constructor({ url, clientId, transport, token, rowOf }, changed) {
    this.#url = url
    this.#rowOf = rowOf
    this.#clientId = clientId
    this.#transport = transport
    this.#token = token
    this.#changed = changed
    this.#connect()
  }

  /** Names the holder of the token in use; null while that is not known. */
  get credential() {
    const isGiven = typeof this.#token !== 'function'
    return this.#accepted === null && !isGiven ? null : credentialOf(this.#accepted ?? this.#token)
  }

  // -- calls and feeds

  /**
   * Sends a request and gives its answer.
   * @param {string} kind as the contract's SessionRequest names it
   * @param {object} body
   * @param {number} timeout in milliseconds; Infinity waits for ever
   * @param {() => boolean} [mayGo] asked before it is sent, each time
   */
  call(kind, body, timeout, mayGo) {
    if (this.#isClosed) return Promise.reject(closedError())
    if (this.#refused) return Promise.reject(this.#refused)
    if (this.#calls.size >= CALLS_MOST) {
      const message = `${CALLS_MOST} calls wait already; await some of them first`
      return Promise.reject(new DatasyncError('RESOURCE_EXHAUSTED', message))
    }
    return new Promise((resolve, reject) => {
      const call = { id: this.nextId(), kind, body, resolve, reject, mayGo, sent: 0, losses: 0 }
      if (timeout !== Infinity) call.timer = setTimeout(() => this.#expire(call, timeout), timeout)
      this.#calls.set(call.id, call)
      if (this.#isOpen) this.#transmit(call)
    })
  }

  /** Keeps a feed going over every link: calls its `begin`, `heard`, `lost`, `failed`. */
  attach(feed) {
    if (this.#isClosed) return feed.failed(closedError())
    if (this.#refused) return feed.failed(this.#refused)
    this.#waiting.add(feed)
    if (this.#isOpen) this.#begin(feed)
  }

  /** Ends a feed, which hears nothing more. */
  detach(feed) {
    this.#waiting.delete(feed)
    if (feed.id && this.#feeds.delete(feed.id) && this.#isOpen) this.#cancel(feed.id)
    feed.id = null
  }

  nextId() {
    this.#ids += 1
    return String(this.#ids)
  }

  #begin(feed) {
    this.#waiting.delete(feed)
    feed.id = this.nextId()
    this.#feeds.set(feed.id, feed)
    this.#link.send({ requestId: feed.id, subscribe: feed.request() })
  }

  #transmit(call) {
    if (call.mayGo && !call.mayGo()) {
      const message = 'This waits for another principal.'
      this.#settle(call, 'reject', new DatasyncError('UNAUTHENTICATED', message))
      return
    }
    call.sent = this.#link.send({ requestId: call.id, [call.kind]: call.body })
  }

  #cancel(target) {
    this.#link.send({ requestId: this.nextId(), cancel: { requestId: target } })
  }

  #expire(call, timeout) {
    this.#calls.delete(call.id)
    if (this.#isOpen) this.#cancel(call.id)
    const state = this.#isOpen ? 'The server did not answer' : 'There was no connection'
    call.reject(unavailable(`${state} within ${timeout} ms`))
  }

  #settle(call, how, value) {
    clearTimeout(call.timer)
    this.#calls.delete(call.id)
    call[how](value)
  }

  // -- links

  #connect() {
    clearTimeout(this.#retry)
    const overHTTP = this.#transport === 'auto' ? this.#unopened >= UNOPENED_MOST : this.#transport === 'connect'
    const Link = overHTTP ? CallLink : SocketLink
    this.#hasOpened = false
    this.#failure = null
    const isCurrent = () => this.#link === link
    const link = new Link(this.#url, {
      opened: () => isCurrent() && this.#opened(link),
      heard: (response) => isCurrent() && this.#heard(response),
      ended: (code, reason) => isCurrent() && this.#lost(code, reason),
    })
    this.#link = link
  }

  /** Credentials, then who is there; only then anything else. */
  async #opened(link) {
    this.#hasOpened = true
    this.#heardAt = Date.now()
    this.#watch()
    let principal
    try {
      principal = await this.#introduce()
    } catch (error) {
      if (this.#link !== link) return
      this.#failure = error
      if (!passes(error)) this.#refuse(error)
      link.close(error.message)
      return
    }
    if (this.#link !== link) return
    if (this.#transport === 'auto' && !this.#isThere) {
      // It may be that the server was not there before: then a WebSocket opens now.
      this.#isThere = true
      if (!link.tellsPrincipal) {
        this.#unopened = UNOPENED_MOST - 1
        this.#link = null
        link.close()
        return this.#connect()
      }
    }
    if (link.tellsPrincipal) this.#unopened = -Infinity
    this.#isOpen = true
    this.#liveAt = Date.now()
    this.#refused = null
    this.#know(principal)
    this.#become('live', null)
    for (const { resolve } of this.#signIns.splice(0)) resolve()
    for (const call of this.#calls.values()) this.#transmit(call)
    for (const feed of this.#waiting) this.#begin(feed)
  }

  /** A token that was good is shown again; a new one is asked for where it no longer is. */
  async #introduce() {
    const isKnown = this.#accepted !== null
    const token = isKnown ? this.#accepted : await this.#currentToken()
    let told = null
    if (token) {
      try {
        told = await this.#handshake('authenticate', { token })
      } catch (error) {
        if (!isKnown || error.code !== 'UNAUTHENTICATED') throw error
        this.#accepted = null
        return this.#introduce()
      }
    }
    const opened = await this.#handshake('open', { clientId: this.#clientId })
    this.#accepted = token
    return (told ?? opened).principal
  }

  #handshake(kind, body) {
    return new Promise((resolve, reject) => {
      const call = { id: this.nextId(), kind, body, resolve, reject, isOfLink: true }
      this.#calls.set(call.id, call)
      this.#transmit(call)
    })
  }

  #lost(code, reason) {
    const wasOpen = this.#isOpen
    const wasSocket = this.#link instanceof SocketLink
    this.#isOpen = false
    this.#link = null
    clearTimeout(this.#silence)
    if (wasOpen && Date.now() - this.#liveAt > STEADY_AFTER) this.#attempts = 0
    if (wasSocket && !this.#hasOpened) this.#unopened += 1
    else if (!wasSocket && !wasOpen) [this.#unopened, this.#isThere] = [0, false]
    const error = this.#failure ?? unavailable(reason || 'The server cannot be reached.')
    for (const call of [...this.#calls.values()]) {
      if (call.isOfLink) this.#settle(call, 'reject', error)
    }
    this.#dropLargest(code)
    for (const feed of this.#feeds.values()) {
      feed.id = null
      this.#waiting.add(feed)
      feed.lost()
    }
    this.#feeds.clear()
    if (this.#isClosed) return
    this.#become(wasOpen ? 'connecting' : 'offline', error)
    // Credentials that do not change stay refused.
    if (this.#refused && typeof this.#token !== 'function') return
    const most = Math.min(BACKOFF_FIRST * 2 ** this.#attempts, BACKOFF_MOST)
    this.#attempts += 1
    this.#retry = setTimeout(() => this.#connect(), Math.random() * most)
  }

  /** A message that is too large would end every link, whether or not the server could say so. */
  #dropLargest(code) {
    const sent = [...this.#calls.values()].filter((call) => call.sent)
    const [largest] = sent.sort((a, b) => b.sent - a.sent)
    if (!largest) return
    largest.losses += 1
    const isSuspect = largest.sent > LARGE && largest.losses >= LOSSES_MOST
    if (code === 1009 || isSuspect) {
      const message = `${largest.sent} characters are more than the server takes`
      this.#settle(largest, 'reject', new DatasyncError('RESOURCE_EXHAUSTED', message))
    }
    for (const call of sent) call.sent = 0
  }

  #become(state, error) {
    this.error = error
    if (this.state === state) return
    this.state = state
    this.#changed()
  }

  /** Looks after the link: called when the net is back, or the page is shown again. */
  wake() {
    if (this.#isClosed) return
    if (!this.#link) this.#connect()
    else if (Date.now() - this.#heardAt > FRESH) this.#probe()
  }

  #watch(after = SILENT_AFTER) {
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => {
      const left = SILENT_AFTER - (Date.now() - this.#heardAt)
      if (left > 0) this.#watch(left)
      else this.#probe()
    }, after)
  }

  /** Asks for an answer, which a link that is alive gives; after a sleep too, so it counts from here. */
  #probe() {
    const asked = Date.now()
    if (this.#isOpen) this.#cancel(this.nextId())
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => {
      if (this.#heardAt < asked) this.#link?.close('Nothing was heard of the server.')
      else this.#watch()
    }, DEAD_AFTER - SILENT_AFTER)
  }

  // -- what comes

  #heard(response) {
    this.#heardAt = Date.now()
    const { requestId, event, status, notice } = response
    if (event) return this.#feeds.get(requestId)?.heard(event)
    if (notice) {
      if (notice.kind === 'CREDENTIALS_EXPIRING') this.#renew()
      return undefined
    }
    const call = this.#calls.get(requestId)
    if (call && status) return this.#callRefused(call, errorOf(status, this.#rowOf))
    if (call) return this.#settle(call, 'resolve', response[ANSWERS[call.kind]] ?? {})
    const feed = this.#feeds.get(requestId)
    if (feed) return this.#feedEnded(feed, errorOf(status ?? {}, this.#rowOf))
    return undefined
  }

  async #callRefused(call, error) {
    const mayRenew = error.code === 'UNAUTHENTICATED' && !call.isOfLink && !call.isRenewed
    if (mayRenew && typeof this.#token === 'function') {
      call.isRenewed = true
      if (await this.#renew()) {
        if (this.#calls.has(call.id) && this.#isOpen) this.#transmit(call)
        return
      }
    }
    if (this.#calls.has(call.id)) this.#settle(call, 'reject', error)
  }

  /** A subscription ends by itself only for a cause; some causes pass. */
  async #feedEnded(feed, error) {
    this.#feeds.delete(feed.id)
    feed.id = null
    const isPassing = passes(error)
    const isRenewed = error.code === 'UNAUTHENTICATED' && (await this.#renew())
    if (feed.isOver) return
    if (!isPassing && !isRenewed) return feed.failed(error)
    feed.lost()
    if (isPassing) await slept(error.retryAfter ?? Math.random() * POLL_INTERVAL)
    if (!feed.isOver) this.attach(feed)
  }

  // -- credentials

  /** What a function gives, or the token itself; empty where there is none. */
  async #currentToken() {
    if (typeof this.#token !== 'function') return this.#token ?? ''
    try {
      return (await within(TIMEOUT, this.#token(), 'The token')) ?? ''
    } catch (error) {
      // Whoever gives it may be out of reach, as the server may.
      throw unavailable(`There is no token: ${error?.message ?? error}`)
    }
  }

  #know(principal) {
    this.principal = this.#link.tellsPrincipal ? principal ?? '' : undefined
  }

  /** Shows a new token; false where there is none, or it is refused. */
  #renew() {
    if (typeof this.#token !== 'function' || !this.#isOpen) return Promise.resolve(false)
    this.#renewal ??= this.#currentToken()
      .then((token) => this.#show(token))
      .then(() => true, () => false)
      .finally(() => (this.#renewal = null))
    return this.#renewal
  }

  async #show(token) {
    const { principal } = await this.#handshake('authenticate', { token })
    this.#accepted = token
    this.#know(principal)
  }

  /**
   * Other credentials from here on. Over a link that lives, the server judges them now; refused ones
   * change nothing there. Otherwise this waits for a link.
   */
  async authenticate(token) {
    const before = this.#token
    this.#token = token
    if (this.#isOpen) {
      try {
        await this.#show(await this.#currentToken())
      } catch (error) {
        this.#token = before
        throw error
      }
      return this.#changed()
    }
    this.#accepted = null
    this.#refused = null
    this.principal = undefined
    const told = new Promise((resolve, reject) => this.#signIns.push({ resolve, reject }))
    // A link that is opening would show the old ones.
    this.#link?.close('Other credentials.')
    this.wake()
    return within(TIMEOUT, told, 'Signing in')
  }

  /** What waits is not helped by waiting. */
  #refuse(error) {
    this.#refused = error
    for (const { reject } of this.#signIns.splice(0)) reject(error)
    for (const call of [...this.#calls.values()]) {
      if (!call.isOfLink) this.#settle(call, 'reject', error)
    }
    for (const feed of [...this.#waiting]) {
      this.#waiting.delete(feed)
      feed.failed(error)
    }
  }

  /** Ends everything: calls fail, feeds are over. */
  close() {
    this.#isClosed = true
    clearTimeout(this.#retry)
    this.#link?.close()
    clearTimeout(this.#silence)
    for (const { reject } of this.#signIns.splice(0)) reject(closedError())
    for (const call of [...this.#calls.values()]) this.#settle(call, 'reject', closedError())
    for (const feed of this.#waiting) feed.failed(null)
    this.#waiting.clear()
    this.#become('offline', closedError())
  }
}

/** The fields that answer each kind of request. */
const ANSWERS = {
  ...Object.fromEntries(Object.entries(METHODS).map(([kind, [, field]]) => [kind, field])),
  open: 'open', authenticate: 'authenticate',
}

// ---------------------------------------------------------------- feeds

/** One subscription of the server's, begun again over every link from where it was. */
class Feed {
  /** The request's id while a link carries it. */
  id = null
  isOver = false
  /** Where to go on; null until all rows as they are have come. */
  token = null
  #readers = []
  #wakes = 0
  #error = null

  /**
   * @param {Connection} connection
   * @param {object} wanted SubscribeRequest without a start
   * @param {object} [start] how to begin the first time
   */
  constructor(connection, wanted, start = {}) {
    this.connection = connection
    this.wanted = wanted
    this.first = start
  }

  request() {
    return { ...this.wanted, ...(this.token ? { resumeToken: this.token } : this.first) }
  }

  /** The link is gone: what was not complete comes again. */
  lost() {}

  /** Ends it with an error, or without. */
  failed(error) {
    if (this.isOver) return
    this.isOver = true
    this.#error = error
    this.wake()
  }

  /** Lets those who wait look again. */
  wake() {
    this.#wakes += 1
    for (const resolve of this.#readers.splice(0)) resolve()
  }

  // An iterator of its own, since a generator cannot be ended while it waits.

  [Symbol.asyncIterator]() {
    return this
  }

  async next() {
    for (;;) {
      const wakes = this.#wakes
      const value = this.isOver && !this.#error ? undefined : await this.take()
      if (value !== undefined) return { done: false, value }
      if (this.#error) {
        const error = this.#error
        this.#error = null
        throw error
      }
      if (this.isOver) return { done: true, value: undefined }
      if (this.#wakes === wakes) await new Promise((resolve) => this.#readers.push(resolve))
    }
  }

  async return(value) {
    this.failed(null)
    this.connection?.detach(this)
    this.release()
    return { done: true, value }
  }

  /** What there is to be read; undefined where that is nothing yet. */
  async take() {
    return undefined
  }

  /** Frees what would wait to be read. */
  release() {}
}

const TYPES = { ADD: 'add', UPDATE: 'update', DELETE: 'delete' }

/** Events as they come, in order, none twice. */
class Subscription extends Feed {
  #events = []
  #read = 0
  #lastSequence = 0
  /** The rows as they were, until all have come: the sequence of each; and those that came again. */
  #initial = new Map()
  #again = null
  #isPaused = false
  #schemaOf
  #select

  constructor(connection, wanted, start, schemaOf) {
    super(connection, wanted, start)
    this.#schemaOf = schemaOf
    this.#select = wanted.select
  }

  get #waiting() {
    return this.#events.length - this.#read
  }

  heard({ change, checkpoint, unreadable }) {
    if (change) this.#changed(change)
    else if (unreadable) this.#events.push({ unreadable })
    else if (checkpoint) this.#checked(checkpoint)
    if (this.#waiting > INITIAL_EVENTS_MOST) {
      this.connection.detach(this)
      const message = `${INITIAL_EVENTS_MOST} events wait to be read`
      this.failed(new DatasyncError('RESOURCE_EXHAUSTED', message))
    }
    this.wake()
  }

  #changed(change) {
    const sequence = integer(change.sequence)
    if (!this.token && change.initial) {
      const row = `${change.table} ${change.id}`
      const before = this.#initial.get(row)
      this.#again?.add(row)
      if (before?.sequence === sequence) return
      this.#initial.set(row, { sequence, table: change.table, id: change.id })
      if (before) change = { ...change, operation: 'UPDATE' }
    } else if (!change.initial) {
      if (sequence <= this.#lastSequence) return
      this.#lastSequence = sequence
    }
    this.#events.push({ change })
  }

  #checked(checkpoint) {
    if (this.#again) {
      for (const [row, { table, id }] of this.#initial) {
        if (this.#again.has(row)) continue
        const { sequence } = checkpoint
        this.#events.push({ change: { operation: 'DELETE', table, id, sequence, initial: true } })
      }
    }
    if (this.token || checkpoint.current || this.first.now || this.first.resumeToken) {
      this.token = checkpoint.resumeToken
      this.#initial.clear()
      this.#again = null
    }
    this.#events.push({ checkpoint })
    // Who does not read stops only this; the server keeps what comes after the token.
    if (this.token && this.#waiting > EVENTS_MOST) {
      this.#isPaused = true
      this.connection.detach(this)
    }
  }

  lost() {
    if (!this.token && this.#initial.size) this.#again = new Set()
  }

  async take() {
    const event = this.#events[this.#read]
    this.#read += event ? 1 : 0
    // What was read goes when it is the half, so that reading stays cheap.
    if (this.#read * 2 > this.#events.length) {
      this.#events.splice(0, this.#read)
      this.#read = 0
    }
    if (this.#isPaused && !this.#waiting && !this.isOver) {
      this.#isPaused = false
      this.connection.attach(this)
    }
    return event && this.#told(event)
  }

  async #told({ change, checkpoint, unreadable }) {
    if (checkpoint) {
      const { resumeToken: token, sequence, current = false } = checkpoint
      return { type: 'checkpoint', token, sequence: integer(sequence), current }
    }
    if (unreadable) {
      const { table = '', id = '', sequence, reason, initial = false, more = false } = unreadable
      const error = reason ? errorOf(reason) : null
      return { type: 'unreadable', table, id, sequence: integer(sequence), error, initial, more }
    }
    const { operation, table, entity, previous, sequence, ...rest } = change
    const schema = await this.#schemaOf(table, entity ?? previous)
    const shape = schema?.shape(this.#select)
    return {
      type: TYPES[operation], table,
      row: schema?.row(entity, shape) ?? null, previous: schema?.row(previous, shape) ?? null,
      sequence: integer(sequence),
      id: '', changedFields: [], origin: '', own: false, committedAt: null, more: false,
      initial: false, leftView: false, ...rest,
    }
  }

  release() {
    this.#events = []
    this.#read = 0
    this.#initial.clear()
  }
}

/** A table's rows in order, kept exact: whole lists at checkpoints, with what is other than before. */
class Live extends Feed {
  #schema
  #renewed
  #shape
  #compare
  #order
  #queue
  /** The rows of the last checkpoint by id; `#fresh` are those that will stand for them. */
  #rows = new Map()
  #fresh = new Map()
  /** Changes since the last checkpoint: a row, or null. */
  #staged = new Map()
  #sequence = 0
  /** Writes of the queue: those that wait, and answers that the feed has not reached. */
  #writes = new Map()
  #answered = new Map()
  /** What was read last. */
  #shown = Object.freeze([])
  /** The same, to be changed: a frozen list is slow to copy. */
  #list = []
  #shownById = new Map()
  #pending = new Set()
  #dirty = new Set()
  #isFirst = true

  /**
   * @param {object} parts `schema`; `renewed` gives it anew; `order` its terms; `queue` if there is one
   */
  constructor(connection, wanted, { schema, renewed, order, queue }) {
    super(connection, wanted)
    this.#renewed = renewed
    this.#order = order
    this.#use(schema)
    if (queue) {
      this.#queue = queue
      this.onqueue = ({ detail }) => this.#queued(detail)
      queue.addEventListener('write', this.onqueue)
      this.#queued({ rows: [...queue.writesOf(schema.name).keys()].map((id) => ({ table: schema.name, id })) })
    }
  }

  #use(schema) {
    this.#schema = schema
    this.#shape = schema.shape(this.wanted.select)
    this.#compare = rowOrder(this.#order(schema))
  }

  // -- what comes

  heard({ change, checkpoint }) {
    if (change) {
      const row = change.operation === 'DELETE' ? null : this.#schema.row(change.entity, this.#shape)
      if (!this.#fresh) this.#staged.set(change.id, row)
      else if (row) this.#fresh.set(change.id, row)
      else this.#fresh.delete(change.id)
      if (this.#schema.isStale) this.#reshape()
    } else if (checkpoint && !this.#fresh) {
      this.#checked(checkpoint, this.#staged)
    } else if (checkpoint?.current) {
      this.#replace(checkpoint)
    }
  }

  #checked({ resumeToken, sequence }, changes) {
    this.token = resumeToken
    this.#sequence = integer(sequence)
    for (const [id, row] of changes) {
      if (row) this.#rows.set(id, row)
      else this.#rows.delete(id)
      this.#dirty.add(id)
    }
    changes.clear()
    for (const [id, answer] of this.#answered) {
      if (answer.sequence > this.#sequence) continue
      this.#answered.delete(id)
      this.#dirty.add(id)
    }
    this.wake()
  }

  /** All rows have come: they take the place of those before, which stay the same where equal. */
  #replace(checkpoint) {
    const changes = this.#fresh
    this.#fresh = null
    for (const [id, row] of this.#rows) {
      if (!changes.has(id)) changes.set(id, null)
      else if (sameRow(row, changes.get(id))) changes.delete(id)
    }
    this.#checked(checkpoint, changes)
  }

  lost() {
    this.#staged.clear()
    if (this.#fresh) this.#fresh = new Map()
  }

  failed(error) {
    const isAnew = error && BEGIN_ANEW.has(error.reason) && !this.isOver
    if (!isAnew) return super.failed(error)
    this.#anew()
    return this.connection.attach(this)
  }

  #anew() {
    this.token = null
    this.#staged.clear()
    this.#fresh = new Map()
  }

  /** The table has a column that it had not. */
  async #reshape() {
    this.connection.detach(this)
    try {
      this.#use(await this.#renewed(this.#schema))
    } catch (error) {
      return super.failed(error)
    }
    this.#anew()
    return this.isOver || this.connection.attach(this)
  }

  // -- the queue

  #queued({ rows, answers = [] }) {
    for (const { table, id, kind, any, sequence } of answers) {
      if (table !== this.#schema.name || sequence <= this.#sequence) continue
      const row = kind === 'delete' ? null : this.#schema.row(any, this.#shape)
      this.#answered.set(id, { row, sequence })
    }
    for (const { table, id } of rows) if (table === this.#schema.name) this.#dirty.add(id)
    this.#writes = this.#queue.writesOf(this.#schema.name)
    this.wake()
  }

  /** A row with what was written to it here; undefined where it is not to be seen. */
  #row(id) {
    let row = this.#rows.get(id)
    const answer = this.#answered.get(id)
    if (answer) row = answer.row ?? undefined
    for (const write of this.#writes.get(id) ?? []) row = this.#written(row, write, id)
    return row
  }

  #written(row, { kind, row: values, error }, id) {
    if (kind === 'delete') return error ? row : undefined
    if (kind === 'update' && !row) return undefined
    const written = {}
    for (const name of this.#shape) {
      const column = this.#schema.columns.get(name)
      const isWritten = values[name] !== undefined && !column.system
      const kept = kind === 'replace' && !column.system ? null : row?.[name] ?? null
      written[name] = isWritten ? values[name] : kept
    }
    written[this.#schema.key.name] = this.#schema.key.type === 'INT64' ? integer(id) : id
    if ('deleted' in written) written.deleted ??= false
    return Object.freeze(written)
  }

  // -- what is read

  async take() {
    if (this.#fresh && this.#isFirst) return undefined
    const changes = this.#dirty.size ? this.#step() : []
    const pending = new Set(this.#writes.keys())
    const isSame = pending.size === this.#pending.size && [...pending].every((id) => this.#pending.has(id))
    if (!changes.length && isSame && !this.#isFirst) return undefined
    this.#isFirst = false
    this.#pending = pending
    return Object.freeze({ rows: this.#shown, changes, sequence: this.#sequence, pending })
  }

  /**
   * Goes from what was read last to what is so now: first rows go, from the end; then rows change in
   * their places or move; then rows come, from the beginning. Each index holds at its own step.
   */
  #step() {
    const [gone, changed, come] = this.#sorted()
    const changes = []
    if (!gone.length && !changed.length && !come.length) return changes
    const rows = without(this.#list, gone, this.#compare, changes)
    for (const { id, row, previous } of changed) {
      const from = placeOf(rows, previous, this.#compare)
      const isInPlace = (from === 0 || this.#compare(rows[from - 1], row) < 0) &&
        (from + 1 === rows.length || this.#compare(row, rows[from + 1]) < 0)
      let to = from
      if (isInPlace) {
        rows[from] = row
      } else {
        rows.splice(from, 1)
        to = placeOf(rows, row, this.#compare)
        rows.splice(to, 0, row)
      }
      changes.push({ type: isInPlace ? 'update' : 'move', id, row, previous, from, to })
    }
    this.#list = merged(rows, come, this.#compare, changes)
    this.#shown = Object.freeze(this.#list.slice())
    return changes
  }

  /** What is other than it was read, sorted by what to do; what is equal stays the same object. */
  #sorted() {
    const gone = []
    const changed = []
    const come = []
    for (const id of this.#dirty) {
      const previous = this.#shownById.get(id)
      const row = this.#row(id)
      if (row && previous && sameRow(previous, row)) continue
      if (row) this.#shownById.set(id, row)
      else this.#shownById.delete(id)
      if (row && previous) changed.push({ id, row, previous })
      else if (row) come.push({ id, row })
      else if (previous) gone.push({ id, previous })
    }
    this.#dirty.clear()
    return [gone, changed, come]
  }

  release() {
    this.#list = []
    this.#queue?.removeEventListener('write', this.onqueue)
    this.#rows.clear()
    this.#shownById.clear()
    this.#staged.clear()
  }
}

/** A sorted list without some of its rows; tells of each, the last first. */
function without(rows, gone, compare, changes) {
  const places = gone.map(({ id, previous }) => ({ id, previous, from: placeOf(rows, previous, compare) }))
  places.sort((a, b) => b.from - a.from)
  for (const { id, previous, from } of places) {
    changes.push({ type: 'delete', id, row: null, previous, from, to: -1 })
  }
  const isGone = new Set(places.map(({ from }) => from))
  return isGone.size ? rows.filter((_, index) => !isGone.has(index)) : rows
}

/** So many rows are put into a list one by one; more are merged with it. */
const FEW = 16

/** A sorted list with more rows; tells of each, the first first. */
function merged(rows, come, compare, changes) {
  come.sort((a, b) => compare(a.row, b.row))
  if (come.length <= FEW) {
    for (const { id, row } of come) {
      const to = placeOf(rows, row, compare)
      rows.splice(to, 0, row)
      changes.push({ type: 'add', id, row, previous: null, from: -1, to })
    }
    return rows
  }
  const result = []
  let next = 0
  for (const { id, row } of come) {
    const place = placeOf(rows, row, compare, next)
    while (next < place) result.push(rows[next++])
    changes.push({ type: 'add', id, row, previous: null, from: -1, to: result.length })
    result.push(row)
  }
  while (next < rows.length) result.push(rows[next++])
  return result
}

// ---------------------------------------------------------------- queue

/** How long a queue may get. */
const QUEUE_MOST = 100_000
/** What lets a write of the queue wait; whatever else happens, happened to that write. */
const WAITS = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'UNAUTHENTICATED'])

/** A queue that lasts as long as the page; the interface of what keeps one. */
export class MemoryStore {
  #meta
  #entries = new Map()
  #last = 0

  /** Everything kept; `meta` where there is nothing yet. */
  async load(meta) {
    this.#meta ??= structuredClone(meta)
    return structuredClone({ meta: this.#meta, entries: [...this.#entries.values()] })
  }

  /** Keeps an entry under the next number, and returns that once it is safe. */
  async add(entry) {
    this.#last += 1
    await this.put({ ...entry, seq: this.#last })
    return this.#last
  }

  async put(entry) {
    this.#entries.set(entry.seq, structuredClone(entry))
  }

  async remove(seq) {
    this.#entries.delete(seq)
  }

  async setMeta(meta) {
    this.#meta = structuredClone(meta)
  }

  close() {}
}

/** A queue in IndexedDB, shared by all tabs of an origin. */
class DatabaseStore {
  #opened

  constructor(name) {
    this.#opened = new Promise((resolve, reject) => {
      const request = indexedDB.open(`datasync:${name}`, 1)
      request.onupgradeneeded = () => {
        request.result.createObjectStore('entries', { keyPath: 'seq', autoIncrement: true })
        request.result.createObjectStore('meta')
      }
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(storeFailed(request.error))
      request.onblocked = () => reject(storeFailed(new Error('another tab holds an older one')))
    })
    // Whoever uses it hears of it.
    this.#opened.catch(() => {})
  }

  /** One transaction: what `work` asked for, once it is on the disk. */
  async #within(mode, work) {
    const database = await this.#opened
    return new Promise((resolve, reject) => {
      const transaction = database.transaction(['entries', 'meta'], mode, { durability: 'strict' })
      const requests = work(transaction.objectStore('entries'), transaction.objectStore('meta'))
      transaction.oncomplete = () => resolve(requests.map((request) => request.result))
      transaction.onabort = () => reject(storeFailed(transaction.error))
    })
  }

  async load(meta) {
    // One who comes second finds what the first has put.
    await this.#within('readwrite', (_, kept) => {
      const request = kept.get('queue')
      request.onsuccess = () => request.result ?? kept.put(meta, 'queue')
      return []
    })
    const [entries, found] = await this.#within('readonly', (all, kept) => [all.getAll(), kept.get('queue')])
    return { meta: found, entries }
  }

  async add(entry) {
    return (await this.#within('readwrite', (all) => [all.add(entry)]))[0]
  }

  async put(entry) {
    await this.#within('readwrite', (all) => [all.put(entry)])
  }

  async remove(seq) {
    await this.#within('readwrite', (all) => [all.delete(seq)])
  }

  async setMeta(meta) {
    await this.#within('readwrite', (_, kept) => [kept.put(meta, 'queue')])
  }

  close() {
    this.#opened.then((database) => database.close(), () => {})
  }
}

const storeFailed = (error) =>
  new DatasyncError('UNAVAILABLE', `The queue cannot be kept: ${error?.message}`, { reason: 'STORE_FAILED' })

/**
 * Writes that wait for the server. One tab of all sends them, in order, under the queue's own client
 * id; all show them. An entry is one write or one commit: waiting, then gone or refused.
 */
export class Queue extends EventTarget {
  #client
  #store
  #channel = null
  #meta
  /** By number, in order. */
  #entries = new Map()
  /** What is shown: the writes of one principal, by table and row. */
  #shown = new Map()
  #shownOwner
  #ready
  #isSender = false
  #isSending = false
  #isClosed = false
  #connection = null
  #attempts = 0
  #wakes = []
  #idle
  #release
  #asked = new AbortController()

  /** Made by `connect`. */
  constructor(client, queue) {
    super()
    this.#client = client
    const { name, store } = typeof queue === 'string' ? { name: queue } : queue
    this.#store = store ?? new DatabaseStore(name)
    this.#ready = this.#load()
    this.#ready.then(() => store && this.#lead(), () => {})
    if (!store) this.#join(name)
  }

  // -- what others see

  /** How many writes wait to be sent. */
  get waiting() {
    return this.#mine().filter((entry) => !entry.error).length
  }

  /** The writes that the server refused: `{id, writes, error}`, the oldest first. */
  get refused() {
    const refused = this.#mine().filter((entry) => entry.error)
    return Object.freeze(refused.map(({ id, writes, error }) =>
      Object.freeze({ id, writes, error: new DatasyncError(error.code, error.message, error) })))
  }

  /** Sends a refused write again. */
  async retry(id) {
    const entry = this.#entryOf(id)
    await this.#change({ ...entry, error: null })
  }

  /** Forgets a refused write. */
  async discard(id) {
    const { seq } = this.#entryOf(id)
    await this.#store.remove(seq)
    this.#remove(seq, [])
    this.#tell({ removed: seq, answers: [] })
  }

  #entryOf(id) {
    const entry = this.#mine().find((one) => one.id === id && one.error)
    if (!entry) throw new DatasyncError('NOT_FOUND', `No refused write has the id ${id}.`)
    return entry
  }

  // -- for tables and live lists

  /** Keeps a write, or several as one; resolves when it is safe. */
  async add(writes, isCommit) {
    await this.#ready
    if (this.#isClosed) throw closedError()
    if (this.#entries.size >= QUEUE_MOST) {
      throw new DatasyncError('RESOURCE_EXHAUSTED', `${QUEUE_MOST} writes wait already.`)
    }
    const entry = {
      id: hex(randomBytes(16)), principal: ownerOf(this.#client.connection, this.#meta) ?? null,
      isCommit, writes, error: null,
    }
    entry.seq = await this.#store.add(entry)
    this.#keep(entry)
    this.#tell({ entry })
  }

  /** The rows of a table that have writes which wait or were refused: of each `{kind, row, error}`. */
  writesOf(table) {
    return this.#shown.get(table) ?? new Map()
  }

  /** What Describe said of a table when there was a connection. */
  async schema(name) {
    await this.#ready
    return this.#meta.schemas[name]
  }

  async keepSchema(table) {
    await this.#ready
    if (JSON.stringify(this.#meta.schemas[table.name]) === JSON.stringify(table)) return
    this.#meta.schemas[table.name] = table
    await this.#store.setMeta(this.#meta)
  }

  /** The client's connection is another than before. */
  async noticed() {
    await this.#ready
    const owner = ownerOf(this.#client.connection, this.#meta)
    if (this.#client.state === 'live' && owner !== undefined) {
      const known = { credential: this.#client.connection.credential, principal: owner }
      if (JSON.stringify(known) !== JSON.stringify(this.#meta.known)) {
        this.#meta.known = known
        await this.#store.setMeta(this.#meta)
      }
      const unknown = [null, holderOf(known.credential)]
      for (const entry of [...this.#entries.values()]) {
        if (unknown.includes(entry.principal) && entry.principal !== owner) await this.#change({ ...entry, principal: owner })
      }
    }
    if (this.#shownOwner !== this.#owner()) this.#sortOut()
    this.wake()
  }

  /** Looks again whether something can be sent. */
  wake() {
    for (const wake of this.#wakes.splice(0)) wake()
    this.#send()
  }

  /** Others are signed in: the link of those before is of no use. */
  reconnect() {
    this.#connection?.close()
    this.#connection = null
    this.wake()
  }

  close() {
    this.#isClosed = true
    this.#asked.abort()
    this.#release?.()
    this.#channel?.close()
    clearTimeout(this.#idle)
    this.#connection?.close()
    this.#store.close()
    this.wake()
  }

  // -- what is kept

  async #load() {
    const fresh = { clientId: hex(randomBytes(16)), known: null, schemas: {} }
    const { meta, entries } = await this.#store.load(fresh)
    this.#meta = meta
    this.#entries = new Map(entries.map((entry) => [entry.seq, entry]))
    this.#sortOut()
  }

  /** Finds anew what is shown. */
  #sortOut() {
    const before = this.#shown
    this.#shown = new Map()
    this.#shownOwner = this.#owner()
    for (const entry of this.#entries.values()) if (this.#isMine(entry)) this.#show(entry)
    const all = [before, this.#shown].flatMap((tables) => [...tables])
    this.#told(all.flatMap(([table, rows]) => [...rows.keys()].map((id) => ({ table, id }))))
  }

  #show({ seq, writes, error }) {
    for (const write of writes) {
      if (!this.#shown.has(write.table)) this.#shown.set(write.table, new Map())
      const rows = this.#shown.get(write.table)
      const all = [...(rows.get(write.id) ?? []), { ...write, seq, error }]
      rows.set(write.id, all.sort((a, b) => a.seq - b.seq))
    }
  }

  #hide({ seq, writes }) {
    for (const { table, id } of writes) {
      const rows = this.#shown.get(table)
      const others = rows?.get(id)?.filter((write) => write.seq !== seq) ?? []
      if (others.length) rows.set(id, others)
      else rows?.delete(id)
    }
  }

  /** Whose writes are shown: the caller's, or, while that is unknown, the last known one's. */
  #owner() {
    return ownerOf(this.#client.connection, this.#meta) ?? this.#meta?.known?.principal
  }

  #isMine({ principal }) {
    return principal === null || principal === this.#shownOwner
  }

  /** The entries of whoever is signed in, in order. */
  #mine() {
    return [...this.#entries.values()].filter((entry) => this.#isMine(entry))
  }

  async #change(entry) {
    await this.#store.put(entry)
    this.#keep(entry)
    this.#tell({ entry })
  }

  #keep(entry) {
    const before = this.#entries.get(entry.seq)
    const isLast = before || entry.seq > ([...this.#entries.keys()].at(-1) ?? 0)
    this.#entries.set(entry.seq, entry)
    // Another tab's may come after a later one of this tab's.
    if (!isLast) this.#entries = new Map([...this.#entries].sort(([a], [b]) => a - b))
    if (before) this.#hide(before)
    if (this.#isMine(entry)) this.#show(entry)
    this.#told(entry.writes)
    if (entry.error && !before?.error) {
      const refused = this.refused.find(({ id }) => id === entry.id)
      if (refused) this.dispatchEvent(new CustomEvent('refused', { detail: refused }))
    }
    this.#send()
  }

  #remove(seq, answers) {
    const entry = this.#entries.get(seq)
    if (!entry) return
    this.#entries.delete(seq)
    this.#hide(entry)
    this.#told(entry.writes, answers)
    this.#send()
  }

  /** Rows have other writes than before, and some of them answers. */
  #told(rows, answers = []) {
    this.dispatchEvent(new CustomEvent('write', { detail: { rows, answers } }))
    this.dispatchEvent(new Event('change'))
  }

  // -- the tabs

  #join(name) {
    if (typeof BroadcastChannel === 'function') {
      this.#channel = new BroadcastChannel(`datasync:${name}`)
      this.#channel.onmessage = async ({ data }) => {
        await this.#ready.catch(() => {})
        if (this.#isClosed) return
        if (data.entry) this.#keep(data.entry)
        else this.#remove(data.removed, data.answers)
      }
    }
    if (!navigator.locks) {
      this.#ready.then(() => this.#lead(), () => {})
      return
    }
    const held = async () => {
      // Another tab may have sent since this one looked.
      await this.#ready
      await this.#load()
      if (this.#isClosed) return undefined
      this.#lead()
      return new Promise((resolve) => (this.#release = resolve))
    }
    navigator.locks.request(`datasync:${name}`, { signal: this.#asked.signal }, held).catch(() => {})
  }

  #tell(message) {
    this.#channel?.postMessage(message)
  }

  #lead() {
    this.#isSender = true
    this.#send()
  }

  // -- sending

  async #send() {
    if (!this.#isSender || this.#isSending || this.#isClosed) return
    this.#isSending = true
    clearTimeout(this.#idle)
    try {
      for (let entry; !this.#isClosed && (entry = this.#sendable()); ) await this.#sendOne(entry)
    } finally {
      this.#isSending = false
      this.#idle = setTimeout(() => {
        this.#connection?.close()
        this.#connection = null
      }, QUEUE_IDLE)
      // Node may end while nothing is to be sent.
      this.#idle.unref?.()
    }
  }

  /** The first write that waits; a refused one holds back what comes after it on its rows. */
  #sendable() {
    const held = new Set()
    for (const entry of this.#entries.values()) {
      if (!this.#isMine(entry)) continue
      const rows = entry.writes.map(({ table, id }) => `${table} ${id}`)
      if (!entry.error && !rows.some((row) => held.has(row))) return entry
      for (const row of rows) held.add(row)
    }
    return undefined
  }

  async #sendOne(entry) {
    let answer
    try {
      const [kind, body] = await this.#request(entry)
      this.#connection ??= this.#client.connectionOf(this.#meta.clientId, () => this.wake())
      const connection = this.#connection
      const isOwn = () => [null, ownerOf(connection, this.#meta)].includes(entry.principal)
      answer = await connection.call(kind, { ...body, mutationId: entry.id }, Infinity, isOwn)
    } catch (error) {
      return this.#failed(entry, error)
    }
    this.#attempts = 0
    const responses = entry.isCommit ? answer.writes ?? [] : [answer]
    const answers = entry.writes.map(({ table, id, kind }, index) => ({
      table, id, kind, any: responses[index]?.entity, sequence: integer(responses[index]?.sequence),
    }))
    await this.#store.remove(entry.seq)
    this.#remove(entry.seq, answers)
    return this.#tell({ removed: entry.seq, answers })
  }

  async #request({ writes, isCommit }) {
    const requests = []
    for (const write of writes) {
      const schema = await this.#client.schema(write.table)
      requests.push({ [write.kind]: schema.write(write) })
    }
    if (isCommit) return ['commit', { writes: requests }]
    return Object.entries(requests[0])[0]
  }

  async #failed(entry, error) {
    if (this.#isClosed) return undefined
    if (!(error instanceof DatasyncError)) error = new DatasyncError('INTERNAL', String(error))
    if (WAITS.has(error.code) || error.retryAfter !== null) {
      const most = Math.min(BACKOFF_FIRST * 2 ** this.#attempts, BACKOFF_MOST)
      this.#attempts += 1
      const woken = new Promise((resolve) => this.#wakes.push(resolve))
      return Promise.race([woken, slept(error.retryAfter ?? Math.random() * most)])
    }
    const { code, message, reason, row, position, metadata, violations } = error
    return this.#change({ ...entry, error: { code, message, reason, row, position, metadata, violations } })
  }
}

/** Whom a connection's calls are made for, as far as is known. */
function ownerOf(connection, meta) {
  if (connection.principal !== undefined) return connection.principal
  // Before there is a session, and where there is none: the same credentials are the same principal.
  const { credential } = connection
  if (credential === null) return undefined
  return credential === meta?.known?.credential ? meta.known.principal : holderOf(credential)
}

/** Whoever holds credentials, before it is known who that is. */
const holderOf = (credential) => `credential ${credential}`

// ---------------------------------------------------------------- tables

/** The rows that a query finds, page by page. */
class Query {
  #client
  #table
  #options
  #total
  /** Rows that could not be read: the last of them. */
  errors = []

  constructor(client, table, options) {
    this.#client = client
    this.#table = table
    this.#options = options
  }

  /**
   * One page; the first where no token is given.
   * @param {string} [token] `nextPageToken` of the page before
   */
  async page(token = '') {
    const schema = await this.#client.schema(this.#table)
    const count = !token && this.#total === undefined
    const page = await this.#read(schema, { pageToken: token, count })
    if (count) this.#total = page.total
    return { ...page, total: this.#total }
  }

  async #read(schema, request) {
    const { filter, orderBy, select, top, skip, pageSize, includeDeleted } = this.#options
    const body = {
      table: this.#table, filter, orderBy, select, top, skip, pageSize, includeDeleted, ...request,
    }
    const answer = await this.#client.call('query', body)
    const shape = schema.shape(select)
    return {
      rows: (answer.entities ?? []).map((entity) => schema.row(entity, shape)),
      nextPageToken: answer.nextPageToken ?? '', total: integer(answer.total),
      resumeToken: answer.resumeToken, errors: (answer.errors ?? []).map((error) => errorOf(error)),
    }
  }

  /** Every row over all pages. */
  async* [Symbol.asyncIterator]() {
    const schema = await this.#client.schema(this.#table)
    for (let pageToken = ''; ;) {
      const page = await this.#read(schema, { pageToken })
      if (page.errors.length) this.errors = page.errors
      yield* page.rows
      pageToken = page.nextPageToken
      if (!pageToken) return
    }
  }
}

/** An async iterable of a feed that is made when it is first read. */
function feeding(make) {
  let made
  let isOver = false
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      if (isOver) return { done: true, value: undefined }
      made ??= make()
      return (await made).next()
    },
    async return(value) {
      isOver = true
      await made?.then((feed) => feed.return(), () => {})
      return { done: true, value }
    },
  }
}

/** One table. */
class Table {
  #client

  constructor(client, name) {
    this.#client = client
    this.name = name
  }

  create(row) {
    return this.#write({ kind: 'create', row })
  }

  replace(row, options) {
    return this.#write({ kind: 'replace', row, options })
  }

  update(id, patch, options) {
    return this.#write({ kind: 'update', id, row: patch, options })
  }

  delete(id, options) {
    return this.#write({ kind: 'delete', id, options })
  }

  async #write(write) {
    checkOptions(write.kind, write.options, OPTIONS.write)
    return (await this.#client.write([{ table: this.name, ...write }], false))[0]
  }

  async get(id, options = {}) {
    checkOptions('get', options, OPTIONS.get)
    const { select, includeDeleted } = options
    const schema = await this.#client.schema(this.name)
    const body = { table: this.name, id: String(id), select, includeDeleted }
    return schema.row((await this.#client.call('get', body)).entity, schema.shape(select))
  }

  query(options = {}) {
    checkOptions('query', options, OPTIONS.query)
    return new Query(this.#client, this.name, options)
  }

  subscribe(options = {}) {
    checkOptions('subscribe', options, OPTIONS.subscribe)
    return this.#client.subscribe({ ...options, table: this.name })
  }

  live(options = {}) {
    checkOptions('live', options, OPTIONS.live)
    const { filter, orderBy = '', select, includeDeleted } = options
    return feeding(async () => {
      const client = this.#client
      const schema = await client.schema(this.name)
      const terms = orderTerms(orderBy, schema)
      if (!terms) await this.#refuseOrder(orderBy, schema)
      // Rows are put in order here, by columns that may not be wanted otherwise.
      const wanted = { table: this.name, filter, includeDeleted }
      if (select?.length) {
        const names = [...select, ...terms.map(({ column }) => column.name)]
        wanted.select = [...new Set(names)].filter((name) => name !== schema.key.name)
        if (!wanted.select.length) wanted.select = [schema.key.name]
      }
      // A write that leaves the view is told of by the next checkpoint alone.
      if (client.queue && filter) wanted.heartbeatInterval = '1s'
      const feed = new Live(client.connection, wanted, {
        schema, renewed: (stale) => client.renewedSchema(stale), queue: client.queue,
        order: (known) => orderTerms(orderBy, known) ?? orderTerms('', known),
      })
      client.attach(feed)
      return feed
    })
  }

  /** The server knows best what is wrong with an order. */
  async #refuseOrder(orderBy, schema) {
    const body = { table: this.name, orderBy, top: 1, select: [schema.key.name] }
    await this.#client.call('query', body)
    throw new DatasyncError('UNIMPLEMENTED', `live lists cannot be ordered by ${orderBy}`)
  }
}

// ---------------------------------------------------------------- client

/** A client: connected as long as it is not closed, whatever happens to the network. */
class Client extends EventTarget {
  #options
  #timeout
  #schemas = new Map()
  #known = new Map()
  #feeds = new Set()
  #looked

  /** Made by `connect`. */
  constructor(url, { token, clientId, queue, transport = 'auto', timeout = TIMEOUT }) {
    super()
    this.#timeout = timeout
    const rowOf = (any) => this.#known.get(any['@type'].split('/').pop())?.row(any)
    this.#options = { url, token, transport, rowOf }
    this.clientId = clientId ?? hex(randomBytes(16))
    this.connection = this.connectionOf(this.clientId, () => this.#changed())
    this.queue = queue ? new Queue(this, queue) : null
    this.#looked = () => globalThis.document?.visibilityState !== 'hidden' && this.#wake()
    globalThis.addEventListener?.('online', this.#looked)
    globalThis.document?.addEventListener('visibilitychange', this.#looked)
  }

  /** `connecting`, `live` or `offline`. */
  get state() {
    return this.connection.state
  }

  /** Why it is not live. */
  get error() {
    return this.connection.error
  }

  /** Whom the server takes the caller for: empty where anonymous, undefined where it has not said. */
  get principal() {
    return this.connection.principal
  }

  table(name) {
    return new Table(this, name)
  }

  async describe() {
    const { tables = [], notServed = [] } = await this.call('describe', {})
    return { tables: tables.map(describedTable), notServed }
  }

  /** Several writes, all or none. */
  async commit(writes) {
    for (const { type, patch, table, id, row, ...options } of writes) {
      checkOptions('commit', options, OPTIONS.write)
    }
    return this.write(writes.map(({ type, patch, table, id, row, ...options }) =>
      ({ kind: type, table, id, row: row ?? patch, options })), true)
  }

  /** Events of one table, or of all. */
  subscribe(options = {}) {
    checkOptions('subscribe', options, ['table', ...OPTIONS.subscribe])
    const { table = '', filter, select, previous, start, excludeOwn, includeDeleted } = options
    return feeding(async () => {
      if (table) await this.schema(table)
      const wanted = { table, filter, select, previous, excludeOwn, includeDeleted }
      const first = start === 'now' ? { now: {} } : start ? { resumeToken: start } : {}
      const feed = new Subscription(this.connection, wanted, first, (name, any) => this.#schemaFor(name, any))
      this.attach(feed)
      return feed
    })
  }

  async authenticate(token) {
    this.#options.token = token
    await this.connection.authenticate(token)
    this.queue?.reconnect()
  }

  /** Ends calls and iterations, and lets the queue's other tabs go on. */
  close() {
    globalThis.removeEventListener?.('online', this.#looked)
    globalThis.document?.removeEventListener('visibilitychange', this.#looked)
    this.queue?.close()
    for (const feed of this.#feeds) feed.return()
    this.connection.close()
  }

  #wake() {
    this.connection.wake()
    this.queue?.wake()
  }

  #changed() {
    this.dispatchEvent(new Event('statechange'))
    this.queue?.noticed().catch(() => {})
  }

  // -- for the parts above

  /** A connection of another client id with the same credentials. */
  connectionOf(clientId, changed) {
    return new Connection({ ...this.#options, clientId }, changed)
  }

  call(kind, body) {
    return this.connection.call(kind, body, this.#timeout)
  }

  attach(feed) {
    this.#feeds.add(feed)
    const { release } = feed
    feed.release = () => (this.#feeds.delete(feed), release.call(feed))
    this.connection.attach(feed)
  }

  /** Writes one row, or commits several; with a queue, by way of it. */
  async write(writes, isCommit) {
    if (this.queue) return this.#enqueue(writes, isCommit)
    const schemas = await Promise.all(writes.map(({ table }) => this.schema(table)))
    const requests = writes.map((write, index) => ({ [write.kind]: schemas[index].write(write) }))
    const mutationId = hex(randomBytes(16))
    let answers
    if (isCommit) {
      answers = (await this.call('commit', { writes: requests, mutationId })).writes ?? []
    } else {
      const [[kind, body]] = Object.entries(requests[0])
      answers = [await this.call(kind, { ...body, mutationId })]
    }
    return answers.map(({ entity }, index) => schemas[index].row(entity))
  }

  async #enqueue(writes, isCommit) {
    const entries = []
    const rows = []
    for (const { kind, table, id, row = {}, options = {} } of writes) {
      const schema = await this.#knownSchema(table)
      const key = schema?.key.name ?? 'id'
      if (schema?.key.type === 'INT64' && (id ?? row[key]) == null) {
        const details = { reason: 'KEY_NEEDED' }
        throw new DatasyncError('INVALID_ARGUMENT', `${table}.${key} must be given to be queued`, details)
      }
      const made = String(id ?? row[key] ?? uuid())
      const { ifVersion, includeDeleted, allowMissing } = options
      entries.push({ kind, table, id: made, row: { ...row }, options: { ifVersion, includeDeleted, allowMissing } })
      rows.push(Object.freeze({ ...row, [key]: id ?? row[key] ?? made }))
    }
    await this.queue.add(entries, isCommit)
    return rows
  }

  /** What Describe says of a table; asked once, and again where a row does not fit it. */
  schema(name) {
    if (!this.#schemas.has(name)) {
      const found = this.#find(name)
      this.#schemas.set(name, found)
      found.catch(() => this.#schemas.delete(name))
    }
    return this.#schemas.get(name)
  }

  async #find(name) {
    const kept = await this.queue?.schema(name)
    const asked = this.call('describe', { table: name }).then(({ tables }) => {
      const schema = new Schema(describedTable(tables[0]))
      this.#known.set(schema.table.messageType, schema)
      this.#schemas.set(name, Promise.resolve(schema))
      this.queue?.keepSchema(schema.table).catch(() => {})
      return schema
    })
    if (!kept) return asked
    // What was so last time will do until the server says otherwise.
    asked.catch(() => {})
    return new Schema(kept)
  }

  renewedSchema(stale) {
    this.#schemas.delete(stale.name)
    return this.#find(stale.name)
  }

  /** Without waiting for a connection. */
  async #knownSchema(name) {
    const kept = await this.queue.schema(name)
    if (kept) return this.schema(name)
    return this.state === 'live' ? this.schema(name) : null
  }

  async #schemaFor(name, any) {
    if (!any) return null
    const schema = await this.schema(name)
    schema.row(any)
    return schema.isStale ? this.renewedSchema(schema) : schema
  }
}

/**
 * A client of a server, at once; it connects by itself.
 *
 * @param {string | URL} [url] the server's web address; the page's own where it is left out
 * @param {object} [options]
 * @param {string | (() => string | Promise<string>)} [options.token] a bearer token, or what gives one
 * @param {string} [options.clientId] names this client across reloads
 * @param {string | {name: string, store: object}} [options.queue] keeps writes under this name until sent
 * @param {'auto' | 'websocket' | 'connect'} [options.transport]
 * @param {number} [options.timeout] milliseconds that a call takes at most
 * @returns {Client}
 */
export function connect(url, options = {}) {
  if (url && typeof url === 'object' && !(url instanceof URL)) return connect(undefined, url)
  checkOptions('connect', options, OPTIONS.connect)
  checkSurroundings(options)
  return new Client(baseOf(url ?? globalThis.location?.origin), options)
}

/** The address of a server, as calls are put behind it. */
function baseOf(url) {
  const example = 'such as https://data.example.com'
  if (url == null) throw new TypeError(`connect needs the address of a server here, ${example}`)
  const text = String(url)
  try {
    if (/^https?:$/.test(new URL(text).protocol)) return text.replace(/\/+$/, '')
  } catch {
    // It is said below.
  }
  throw new TypeError(`connect: ${text} is no address of a server, ${example}`)
}

/** Refuses what cannot work here, before anything waits for it. */
function checkSurroundings({ transport = 'auto', queue }) {
  const transports = ['auto', 'websocket', 'connect']
  if (!transports.includes(transport)) {
    throw new TypeError(`connect has no transport ${transport}: it has ${transports.join(', ')}`)
  }
  if (transport !== 'connect' && !globalThis.WebSocket) {
    throw new DatasyncError('FAILED_PRECONDITION',
      "There is no WebSocket here: take Node 22 or later, or the option transport: 'connect'.")
  }
  if (queue && !queue.store && !globalThis.indexedDB) {
    throw new DatasyncError('FAILED_PRECONDITION', 'There is no IndexedDB here to keep the queue in: ' +
      "write queue: { name: 'mine', store: new MemoryStore() }, or give a store of your own.")
  }
}
