"""An API server of this machine that answers by path, and a kubeconfig that leads to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import yaml


class Server(ThreadingHTTPServer):
    """Answers by path: a document, a text (a log), a status with its message, or a row of these, the last of which stays.

    `before` is called with each path before it is answered.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Any] = {}
        self.asked: list[SplitResult] = []
        self.before: Callable[[str], object] = lambda path: None
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        self.server.asked.append(asked)
        self.server.before(asked.path)
        found = self.server.answers.get(asked.path, (404, "not found"))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        code, content = found if isinstance(found, tuple) else (200, found)
        if isinstance(found, tuple):
            content = {"kind": "Status", "code": code, "message": content}
        data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def api_server(folder: Path) -> Iterator[tuple[Server, Path]]:
    """The server while the block runs, and the kubeconfig."""
    made = Server()
    path = folder / "kubeconfig"
    content = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "one", "user": "me"}}],
        "clusters": [{"name": "one", "cluster": {"server": made.url}}],
        "users": [{"name": "me", "user": {"token": "secret"}}],
    }
    path.write_text(yaml.safe_dump(content))
    try:
        yield made, path
    finally:
        made.shutdown()
        made.server_close()
