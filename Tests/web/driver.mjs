// Runs what the tests ask for, a line of JSON each, with the client's module as global names.
//   node driver.mjs URL-OF-DATASYNC.JS
import { createInterface } from 'node:readline'

Object.assign(globalThis, await import(process.argv[2]))
const AsyncFunction = (async () => {}).constructor

// As a browser gives values to its debugger, but for those that JSON does not have.
const plain = (_, value) => {
  if (typeof value === 'bigint') return { bigint: String(value) }
  if (value instanceof Set) return [...value].sort()
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') }
  if (value instanceof Error) return { error: value.code ?? value.name, message: value.message }
  return value
}

globalThis.failures = []
process.on('unhandledRejection', (error) => failures.push(String(error?.stack ?? error)))

for await (const line of createInterface({ input: process.stdin })) {
  const { id, body } = JSON.parse(line)
  new AsyncFunction(body)().then(
    (value) => ({ id, value }),
    (error) => ({
      id, thrown: String(error?.stack ?? error), code: error?.code, reason: error?.reason,
    }),
  ).then((reply) => process.stdout.write(`${JSON.stringify(reply, plain)}\n`))
}
