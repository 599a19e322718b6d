"""A TCP proxy between a client and the server, which can stop the traffic or cut it off."""

import asyncio
import contextlib
import socket
import threading

CHUNK = 1 << 16


class Proxy:
    """One upstream address, any number of connections; runs on a thread of its own."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self._target = (host, int(port))
        self._loop = asyncio.new_event_loop()
        self._writers = set()
        self._flows = asyncio.Event()
        self._flows.set()
        ready = threading.Event()

        def run():
            asyncio.set_event_loop(self._loop)
            self._server = self._loop.run_until_complete(
                asyncio.start_server(self._accept, "127.0.0.1", 0, limit=CHUNK)
            )
            self.address = "127.0.0.1:%d" % self._server.sockets[0].getsockname()[1]
            ready.set()
            self._loop.run_forever()
            self._loop.close()

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        assert ready.wait(10), "the proxy did not start"

    async def _accept(self, reader, writer):
        self._writers.add(writer)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            upstream = socket.socket()
            upstream.setblocking(False)
            # A stop is to be felt by the server soon.
            upstream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, CHUNK)
            await self._loop.sock_connect(upstream, self._target)
            up_reader, up_writer = await asyncio.open_connection(sock=upstream, limit=CHUNK)
            self._writers.add(up_writer)
            await asyncio.gather(
                self._pump(reader, up_writer), self._pump(up_reader, writer, self._flows)
            )

    async def _pump(self, reader, writer, flows=None):
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(CHUNK):
                if flows:
                    await flows.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()

    def _call(self, body):
        self._loop.call_soon_threadsafe(body)

    def pause(self):
        """Nothing more from the server reaches the client."""
        self._call(self._flows.clear)

    def resume(self):
        self._call(self._flows.set)

    def cut(self):
        """Every connection breaks, in both directions, without a word."""

        def abort():
            for writer in self._writers:
                writer.transport.abort()
            self._writers.clear()

        self._call(abort)

    def close(self):
        def stop():
            self._server.close()
            for writer in self._writers:
                writer.transport.abort()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.call_later(0.05, self._loop.stop)

        if not self._loop.is_closed():
            self._call(stop)
            self._thread.join(5)
