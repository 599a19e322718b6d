// Random histories: several clients write, lists are read by quick and slow readers, and each element
// is held against what the writes' answers say was so at its sequence.

const TEXTS = ['', 'a', 'B', 'b', 'ab', 'é', 'z', '\u{ff5e}', '\u{1f600}', '\u{10ffff}', '\ue000']
/** Values of each column, none equal to another. */
export const VALUES = {
  flag: [true, false], whole: [-1, 0, 7, 9007199254740993n, -9007199254740995n],
  ratio: [-0.5, 0, 1e300, 2.25, 2], words: TEXTS,
  blob: [[], [0], [0, 1], [255], [1, 0, 0]].map((bytes) => Uint8Array.from(bytes)),
  moment: ['2024-01-01T00:00:00Z', '2024-01-01T00:00:00.500Z', '2024-01-01T00:00:00.500001Z', '1999-12-31T23:59:59Z'],
  day: ['2024-01-01', '0001-01-01', '9999-12-31'], clock: ['02:14:00', '02:14:00.5', '02:14:00.05'],
  price: ['-10', '-9.5', '0', '9.5', '10', '100', '0.000000001'], weight: ['1', '-2.5', '10'],
  code: ['00000000-0000-4000-8000-000000000000', 'ffffffff-0000-4000-8000-000000000000'],
  doc: ['{}', '[1]', '"a"'], grade: ['high', 'low', 'middle'],
}
const COLUMNS = Object.keys(VALUES)

/** Numbers from 0 to below a bound, the same for the same seed. */
export function random(seed) {
  let state = seed >>> 0
  return (bound) => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) % bound
  }
}

const plain = (_, value) => (typeof value === 'bigint' ? `${value}n` : value instanceof Uint8Array ? [...value] : value)
const text = (value) => JSON.stringify(value, plain)

/** What the answers say of every row at every sequence. */
export class History {
  #versions = new Map()

  note(id, sequence, row) {
    if (!this.#versions.has(id)) this.#versions.set(id, [])
    this.#versions.get(id).push({ sequence, row })
  }

  at(sequence) {
    const rows = new Map()
    for (const [id, versions] of this.#versions) {
      const known = versions.filter((version) => version.sequence <= sequence)
      const last = known.sort((a, b) => a.sequence - b.sequence).at(-1)
      if (last?.row) rows.set(id, last.row)
    }
    return rows
  }
}

/** Random writes by one client, one after another. */
export async function write({ client, history, seed, count, pause }) {
  const next = random(seed)
  const table = client.table('everything')
  const value = (column) => (next(4) ? VALUES[column][next(VALUES[column].length)] : null)
  const some = () => Object.fromEntries(COLUMNS.filter(() => next(3) === 0).map((column) => [column, value(column)]))
  for (let number = 0; number < count; number += 1) {
    const id = `k${next(40)}`
    const kind = ['create', 'update', 'update', 'replace', 'delete'][next(5)]
    try {
      if (kind === 'delete') {
        // What a deletion's sequence was, its answer does not say: the commit's other row does.
        const mark = { type: 'replace', table: 'everything', row: { id: 'mark', words: `${seed} ${number}` }, allowMissing: true }
        const [, row] = await client.commit([{ type: 'delete', table: 'everything', id }, mark])
        history.note(id, row.version - 1, null)
        history.note('mark', row.version, row)
      } else {
        const row = kind === 'update' ? await table.update(id, some()) : await table[kind]({ ...some(), id })
        history.note(id, row.version, row)
      }
    } catch (error) {
      if (!['NOT_FOUND', 'ALREADY_EXISTS'].includes(error.code)) throw error
    }
    if (pause) await new Promise((resolve) => setTimeout(resolve, next(pause)))
  }
}

/** Reads a live list, now and then slowly, and checks what can be seen of each element by itself. */
export function watch({ client, seed, slow, ...options }) {
  const next = random(seed)
  const live = client.table('everything').live(options)
  const watched = { elements: [], options, end: () => live.return() }
  watched.over = (async () => {
    let before = []
    for await (const element of live) {
      checkStep(before, element, options)
      before = element.rows
      watched.elements.push({ sequence: element.sequence, rows: element.rows })
      if (slow) await new Promise((resolve) => setTimeout(resolve, next(slow)))
    }
  })()
  watched.over.catch((error) => (watched.failure = error))
  return watched
}

function checkStep(before, { rows, changes }, options) {
  const list = [...before]
  const told = new Set()
  for (const { type, row, previous, from, to, id } of changes) {
    const isThere = type === 'add' || list[from] === previous
    if (!isThere || (row && row.id !== id)) throw new Error(`${type} of ${id} from ${from}: ${text(list[from])}`)
    if (type !== 'add') list.splice(from, 1)
    if (type !== 'delete') list.splice(to, 0, row)
    if ((type === 'update') !== (from === to)) throw new Error(`${type} from ${from} to ${to}`)
    if (told.has(id)) throw new Error(`${id} twice`)
    told.add(id)
  }
  if (list.length !== rows.length || list.some((row, index) => row !== rows[index])) {
    throw new Error(`${text(options)}: ${text(changes)} do not lead to ${text(rows)}`)
  }
  if (!Object.isFrozen(rows) || !rows.every(Object.isFrozen)) throw new Error('not frozen')
}

/** Holds every element against the history, and the last against a query. */
export async function check({ client, history, watched, matches = () => true }) {
  if (watched.failure) throw watched.failure
  const { select, ...options } = watched.options
  const shape = (row) => (select ? Object.fromEntries(Object.keys(row).filter((name) => name === 'id' || select.includes(name)).map((name) => [name, row[name]])) : row)
  for (const { sequence, rows } of watched.elements) {
    const expected = [...history.at(sequence).values()].filter(matches).map((row) => text(shape(row))).sort()
    const told = rows.map((row) => text(shape(row))).sort()
    if (told.join() !== expected.join()) {
      const [more, less] = [told.filter((row) => !expected.includes(row)), expected.filter((row) => !told.includes(row))]
      throw new Error(`${text(options)} at ${sequence}: told ${more}, expected ${less}`)
    }
  }
  const found = []
  for await (const row of client.table('everything').query(options)) found.push(row.id)
  const last = watched.elements.at(-1).rows.map((row) => row.id)
  if (found.join() !== last.join()) throw new Error(`${text(options)}: ${last} instead of ${found}`)
  return watched.elements.length
}
