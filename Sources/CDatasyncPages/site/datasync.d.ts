/** The types of datasync.js, Datasync's client for browsers and Node 22. */

/** A value of a column. 64-bit integers are numbers where that is exact, else bigints; times, dates,
 * decimals, UUIDs and JSON are strings. */
export type Value = string | number | bigint | boolean | Uint8Array | null

/** A row by its columns' names, with id, created_at, updated_at, version and deleted; frozen. */
export type Row = Readonly<Record<string, any>>

/** Columns to write: absent ones are left out, `null` is NULL. A Date is taken for a time. */
export type Values<R = Row> = { [Column in keyof R]?: R[Column] | Date | undefined }

export type Id = string | number | bigint

export interface ConnectOptions {
  /** A bearer token, or a function that gives one: asked again before the last one expires. */
  token?: string | (() => string | Promise<string>)
  /** Names this client across reloads, as the `origin` of its changes; random where left out. */
  clientId?: string
  /** Keeps writes in IndexedDB under this name until they are sent; or in a store of your own. */
  queue?: string | { name: string; store: QueueStore }
  /** `auto` begins with a WebSocket and goes on with calls over HTTP where none ever opens. */
  transport?: 'auto' | 'websocket' | 'connect'
  /** Milliseconds that a call takes at most; 30,000. */
  timeout?: number
}

/** A client of a server, at once; it connects by itself, and again whenever it has to. */
export function connect(url?: string | URL, options?: ConnectOptions): Client
export function connect(options?: ConnectOptions): Client

export type State = 'connecting' | 'live' | 'offline'

export interface Client extends EventTarget {
  readonly state: State
  /** Why it is not live. */
  readonly error: DatasyncError | null
  /** Whom the server takes the caller for: '' where anonymous, undefined where it has not said. */
  readonly principal: string | undefined
  readonly clientId: string
  /** Where `connect` was given one. */
  readonly queue: Queue | null

  table<R = Row>(name: string): Table<R>
  /** Several writes, all or none; gives the stored rows. */
  commit(writes: Write[]): Promise<(Row | null)[]>
  /** The events of every table that the caller may read. */
  subscribe(options?: SubscribeOptions): AsyncIterableIterator<Event>
  describe(): Promise<{ tables: TableDescription[]; notServed: NotServed[] }>
  /** Other credentials from here on; '' for none. */
  authenticate(token: ConnectOptions['token']): Promise<void>
  /** Ends calls and iterations. */
  close(): void

  addEventListener(
    type: 'statechange', listener: (event: globalThis.Event) => void, options?: AddEventListenerOptions,
  ): void
}

export type Write =
  | { type: 'create'; table: string; row: Values }
  | ({ type: 'replace'; table: string; row: Values } & WriteOptions)
  | ({ type: 'update'; table: string; id: Id; patch: Values } & WriteOptions)
  | ({ type: 'delete'; table: string; id: Id } & Pick<WriteOptions, 'ifVersion'>)

export interface WriteOptions {
  /** Only if the stored row has this version; else FAILED_PRECONDITION with the stored row. */
  ifVersion?: number | bigint
  /** Reaches rows that are marked deleted, and writes `deleted`. */
  includeDeleted?: boolean
  /** Creates the row where there is none. */
  allowMissing?: boolean
}

/** One table. A write gives the stored row (null where the caller may not read it); with a queue, it
 * resolves once it is kept, and gives what was written. */
export interface Table<R = Row> {
  readonly name: string
  create(row: Values<R>): Promise<R>
  get(id: Id, options?: { select?: string[]; includeDeleted?: boolean }): Promise<R>
  /** Writes every column; an absent one becomes its default. */
  replace(row: Values<R>, options?: WriteOptions): Promise<R>
  /** Writes exactly the patch's columns. */
  update(id: Id, patch: Values<R>, options?: WriteOptions): Promise<R>
  delete(id: Id, options?: Pick<WriteOptions, 'ifVersion'>): Promise<R>
  query(options?: QueryOptions): Query<R>
  subscribe(options?: SubscribeOptions): AsyncIterableIterator<Event<R>>
  live(options?: LiveOptions): AsyncIterableIterator<LiveElement<R>>
}

export interface QueryOptions {
  /** OData: `completed eq false and contains(title, 'milk')`. */
  filter?: string
  /** `title desc, year`; the key is always the last. */
  orderBy?: string
  select?: string[]
  top?: number
  skip?: number
  pageSize?: number
  includeDeleted?: boolean
}

export interface Query<R = Row> extends AsyncIterable<R> {
  /** One page: the first, or the one after a token. `total` counts what matches the filter. */
  page(token?: string): Promise<Page<R>>
  /** Rows of the last pages read that cannot be read themselves. */
  readonly errors: DatasyncError[]
}

export interface Page<R = Row> {
  rows: R[]
  /** Empty on the last page. */
  nextPageToken: string
  total: number
  /** A subscription from here misses nothing. */
  resumeToken: string
  errors: DatasyncError[]
}

export interface SubscribeOptions {
  filter?: string
  select?: string[]
  /** Gives the row before each change, too. */
  previous?: boolean
  /** `now`, or a checkpoint's token; left out, the rows as they are come first. */
  start?: 'now' | string
  /** Leaves out what this client wrote. */
  excludeOwn?: boolean
  includeDeleted?: boolean
}

export type Event<R = Row> = ChangeEvent<R> | CheckpointEvent | UnreadableEvent

export interface ChangeEvent<R = Row> {
  type: 'add' | 'update' | 'delete'
  table: string
  id: string
  row: R | null
  previous: R | null
  changedFields: string[]
  sequence: number | bigint
  origin: string
  own: boolean
  committedAt: string | null
  /** More changes of the same commit follow. */
  more: boolean
  /** One of the rows as they were. */
  initial: boolean
  /** The row still exists, but not in this view. */
  leftView: boolean
}

/** Everything up to here has come. */
export interface CheckpointEvent {
  type: 'checkpoint'
  token: string
  sequence: number | bigint
  current: boolean
}

/** A stored row that does not fit its columns; `error` is null where it is so no longer. */
export interface UnreadableEvent {
  type: 'unreadable'
  table: string
  id: string
  sequence: number | bigint
  error: DatasyncError | null
  initial: boolean
  more: boolean
}

export interface LiveOptions {
  filter?: string
  orderBy?: string
  /** The columns of `orderBy` come too. */
  select?: string[]
  includeDeleted?: boolean
}

/** A whole list, exact at its sequence. */
export interface LiveElement<R = Row> {
  readonly rows: readonly R[]
  /** What leads here from the element read before; each index holds at its own step. */
  readonly changes: readonly LiveChange<R>[]
  readonly sequence: number | bigint
  /** The ids of rows with writes in the queue. */
  readonly pending: ReadonlySet<string>
}

export interface LiveChange<R = Row> {
  type: 'add' | 'update' | 'move' | 'delete'
  id: string
  /** The row now; null where it was deleted. */
  row: R | null
  /** The row before; null where it was added. */
  previous: R | null
  /** Where it was; -1 where it was added. */
  from: number
  /** Where it is, once it was taken away there; -1 where it was deleted. */
  to: number
}

/** Writes that wait for the server. Events: `change`, and `refused` with the write as `detail`. */
export interface Queue extends EventTarget {
  /** How many wait to be sent. */
  readonly waiting: number
  /** What the server refused, until it is retried or discarded. */
  readonly refused: readonly RefusedWrite[]
  retry(id: string): Promise<void>
  discard(id: string): Promise<void>
}

export interface RefusedWrite {
  readonly id: string
  readonly writes: readonly { kind: string; table: string; id: string; row?: Values }[]
  readonly error: DatasyncError
}

/** What keeps a queue: every promise resolves once it is safe. */
export interface QueueStore {
  /** Everything kept; `meta` is kept where there is none yet. */
  load(meta: object): Promise<{ meta: object; entries: object[] }>
  /** Keeps an entry with the next `seq`, and gives that. */
  add(entry: object): Promise<number>
  put(entry: { seq: number }): Promise<void>
  remove(seq: number): Promise<void>
  setMeta(meta: object): Promise<void>
  close(): void
}

/** A queue that lasts as long as the page, or the program. */
export class MemoryStore implements QueueStore {
  load(meta: object): Promise<{ meta: object; entries: object[] }>
  add(entry: object): Promise<number>
  put(entry: { seq: number }): Promise<void>
  remove(seq: number): Promise<void>
  setMeta(meta: object): Promise<void>
  close(): void
}

export interface TableDescription {
  name: string
  messageType: string
  columns: ColumnDescription[]
  softDelete: boolean
  defaultPageSize: number
  maxPageSize: number
  /** What the caller has rules for: READ, CREATE, UPDATE, DELETE; empty where the server has none. */
  allowed: string[]
}

export interface ColumnDescription {
  name: string
  type:
    | 'BOOL' | 'INT64' | 'DOUBLE' | 'STRING' | 'BYTES' | 'TIMESTAMP' | 'DATE' | 'TIME_OF_DAY'
    | 'DECIMAL' | 'UUID' | 'JSON' | 'ENUM'
  /** The key's is 1. */
  number: number
  nullable: boolean
  system: boolean
  enumValues: string[]
  storedName: string
}

export interface NotServed {
  table: string
  column?: string
  reason: string
}

/** What went wrong, as the server said it, or this client. */
export class DatasyncError extends Error {
  constructor(code: string, message: string, details?: object)
  /** The name of a gRPC code: `NOT_FOUND`. */
  readonly code: string
  /** For programs: `VERSION_MISMATCH`. */
  readonly reason: string
  /** The stored row, where a write met another. */
  readonly row: Row | null
  /** Where in a filter or an order, from 1. */
  readonly position: number | null
  readonly metadata: Readonly<Record<string, string>>
  /** What is wrong with which field, where the server said so of fields. */
  readonly violations: ReadonlyArray<{ field: string; description: string }>
  /** In milliseconds, where the server said when to come again. */
  readonly retryAfter: number | null
}
