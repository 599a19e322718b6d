"""A link that can be cut: passes bytes on between a port that stays and a server that moves."""

import contextlib
import socket
import threading


class Relay:
    """`cut` ends every connection; `down` and `up` say whether new ones find a server; `stall` lets
    bytes wait, as a network does that has gone silent."""

    def __init__(self, target=None):
        self.target = target
        # Requests that begin so are refused, as by a proxy that does not know them.
        self.refused = None
        self.accepted = 0
        self._is_up = True
        self._flows = threading.Event()
        self._flows.set()
        self._pairs = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near):
        if not self._is_up or self.target is None:
            return near.close()
        try:
            first = near.recv(65536) if self.refused else b""
            if self.refused and self.refused in first.lower():
                near.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return near.close()
            far = socket.create_connection(("127.0.0.1", self.target), 10)
            far.settimeout(None)
            far.sendall(first)
        except OSError:
            return near.close()
        with self._lock:
            self._pairs.append((near, far))
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._flows.wait()
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def cut(self):
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for near, far in pairs:
            for one in (near, far):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()

    def down(self):
        self._is_up = False
        self.cut()

    def up(self):
        self._is_up = True

    def stall(self):
        self._flows.clear()

    def flow(self):
        self._flows.set()

    def close(self):
        self.flow()
        self._listener.close()
        self.cut()
