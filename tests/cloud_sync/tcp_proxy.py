"""What stands between a client and its server on TCP, and can do all that a network does."""

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from tests.services.service import HOST, free_port

_ABORT = struct.pack("ii", 1, 0)
_Judge = Callable[[bytes, threading.Event], bytes]


class TcpProxy:
    """Passes everything on to a port of this machine; `upwards` counts the bytes that clients sent, `answers` the
    pieces in which the server answered.

    Its moods hold from then on, also for connections that stand. `row_mark` is what a client's bytes contain once they
    carry rows, and only then a transaction counts for `cuts_before_commit` and `loses_answers`.
    """

    def __init__(self, target: int, row_mark: bytes) -> None:
        self.port = free_port()
        self.upwards = 0
        self.answers = 0
        self.delay_s = 0.0
        self.resets = False
        self.cuts_before_commit = False
        self.loses_answers = False
        self.goes_on = threading.Event()  # cleared: it hangs
        self.goes_on.set()
        self._target = target
        self._row_mark = row_mark
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()

    def start(self) -> None:
        self._listener = socket.create_server((HOST, self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        """Refuses from now on, and breaks what stands."""
        listener, self._listener = self._listener, None
        if listener is not None:
            _end(listener)
            listener.close()
        for one in list(self._open):
            _end(one)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # stopped
                return
            if self.resets:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection((HOST, self._target))
        except OSError:  # the server is away
            client.close()
            return
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open |= {client, server}
        rows = threading.Event()
        down = threading.Thread(target=self._pass_on, args=(server, client, self._answered, rows), daemon=True)
        down.start()
        self._pass_on(client, server, self._asked, rows)
        down.join()
        self._open -= {client, server}
        client.close()
        server.close()

    def _pass_on(self, source: socket.socket, sink: socket.socket, judge: _Judge, rows: threading.Event) -> None:
        """Until either end is gone, or what `judge` leaves of the bytes is not all."""
        with suppress(OSError):
            while data := source.recv(65_536):
                self.goes_on.wait(60)
                time.sleep(self.delay_s)
                rest = judge(data, rows)
                sink.sendall(rest)
                if self.resets:
                    source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
                if len(rest) < len(data) or self.resets:
                    break
        _end(source)
        _end(sink)

    def _asked(self, data: bytes, rows: threading.Event) -> bytes:
        self.upwards += len(data)
        if self._row_mark in data:
            rows.set()
        if self.cuts_before_commit and rows.is_set() and b"COMMIT" in data:
            return data[: data.rindex(b"COMMIT")]
        return data

    def _answered(self, data: bytes, rows: threading.Event) -> bytes:
        """The server's word for a transaction that it has committed comes with the last of a batch's answers."""
        self.answers += 1
        if self.loses_answers and rows.is_set() and b"COMMIT\0" in data:
            return b""
        return data


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
