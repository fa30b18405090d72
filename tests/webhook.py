"""A local webhook: a real HTTP server that keeps what it is sent, and can refuse it."""

import json
import queue
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

PATIENCE = 30.0
"""Seconds after which a message that should have come did not."""


class Webhook:
    """Answers with ``status``; what it took is in ``messages``, what it refused in ``refused``."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self.refused: queue.Queue[dict[str, Any]] = queue.Queue()
        self.looking: Callable[[], object] = lambda: None
        """Called while a sender waits for its answer."""
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hook.looking()
                self.send_response(hook.status)
                self.end_headers()
                (hook.messages if hook.status == 200 else hook.refused).put(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    def url(self, secret: str = "") -> str:
        """As apprise writes it."""
        return f"json://127.0.0.1:{self._server.server_port}/{secret}"

    def message(self) -> str:
        """The text of the next message that it takes."""
        return str(self.messages.get(timeout=PATIENCE)["message"])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
