"""`/metrics` for Prometheus, `/ready` for who sends work, `/live` for who restarts what hangs."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from agent.domain.errors import AquaError

HOST = "127.0.0.1"


class ListenerError(AquaError):
    """The port cannot be had."""


class Listener:
    """Answers on 127.0.0.1 as long as the process lives; port 0 takes a free one. 200 is yes, 503 no."""

    def __init__(self, port: int, metrics: CollectorRegistry, ready: Callable[[], bool], live: Callable[[], bool]):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/metrics":
                    self._answer(200, CONTENT_TYPE_LATEST, generate_latest(metrics))
                elif self.path in questions:
                    yes = questions[self.path]()
                    self._answer(200 if yes else 503, "text/plain", b"yes\n" if yes else b"no\n")
                else:
                    self._answer(404, "text/plain", b"/metrics /ready /live\n")

            def _answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Who asks is no news."""

        questions = {"/ready": ready, "/live": live}
        try:
            self._server = ThreadingHTTPServer((HOST, port), Handler)
        except OSError as error:
            raise ListenerError(f"port {port} of {HOST} cannot be listened on: {error.strerror}") from error
        self._server.daemon_threads = True
        self.port = self._server.server_port
        Thread(target=self._server.serve_forever, name="listener", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
