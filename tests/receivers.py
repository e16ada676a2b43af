"""A webhook receiver on the loopback that answers as told, for tests of notifications."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Webhook:
    """What arrived, and what is answered: `statuses` in turn, then 200. Hold `gate` to hang."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.statuses: list[int] = []
        self.received: list[tuple[int, dict[str, Any]]] = []
        self.arrived = threading.Condition()
        self.gate = threading.Lock()

    def accepted(self) -> list[dict[str, Any]]:
        """Bodies that were answered with 200."""
        return [body for status, body in self.received if status == 200]

    def wait_for(self, requests: int, deadline_s: float = 120.0) -> None:
        """Return when that many requests were answered; AssertionError at the deadline."""
        with self.arrived:
            in_time = self.arrived.wait_for(lambda: len(self.received) >= requests, deadline_s)
        assert in_time, f"{len(self.received)} of {requests} requests within {deadline_s} s"


@contextmanager
def webhook() -> Iterator[Webhook]:
    """A running receiver at http://127.0.0.1:port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with hook.gate:
                status = hook.statuses.pop(0) if hook.statuses else 200
                # Before the answer, after which the sender goes on.
                hook.received.append((status, body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
            with hook.arrived:
                hook.arrived.notify_all()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hook = Webhook(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
