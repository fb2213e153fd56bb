"""A fake model hub on 127.0.0.1: API and files, and on demand every error seen from a real hub."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import unquote, urlsplit

REPOSITORY = "acme/tiny"
REVISION = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_OnlyThisTestKnowsIt"


def some_bytes(seed: int, size: int) -> bytes:
    """Bytes that depend on the seed and do not repeat."""
    block = b"".join(hashlib.sha256(f"{seed}-{i}".encode()).digest() for i in range(size // 32 + 1))
    return block[:size]


FILES = {
    # The numbers of the card qwen3-0.6b.
    "config.json": json.dumps(
        {
            "architectures": ["Qwen3ForCausalLM"],
            "hidden_size": 1024,
            "num_hidden_layers": 28,
            "vocab_size": 151936,
            "intermediate_size": 3072,
            "num_attention_heads": 16,
            "num_key_value_heads": 8,
            "head_dim": 128,
            "tie_word_embeddings": True,
            "max_position_embeddings": 40960,
            "use_sliding_window": False,
        }
    ).encode(),
    "tokenizer.json": b"{}",
    "model-00001-of-00002.safetensors": some_bytes(1, 300_000),
    "model-00002-of-00002.safetensors": some_bytes(2, 200_000),
    "chat_template.jinja": b"{{ messages }}",
    "encoding/vocab.txt": b"",
}
LEFT_OUT = {
    "README.md": b"# Tiny",
    "original/consolidated.00.pth": b"pickle",
    "original/model.safetensors": b"the same weights again",
    "metal/model.bin": b"and again",
    "tiny.gguf": b"gguf",
    "picture.png": b"png",
}
FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"

Answer = Callable[["Handler", bytes], None]
"""A fake answer to one request for a file or the listing, instead of the right one."""


def status(code: int, **headers: str) -> Answer:
    def answer(handler: "Handler", _: bytes) -> None:
        handler.reply(code, b"{}", {name.replace("_", "-"): value for name, value in headers.items()})

    return answer


def broken_after(sent: int) -> Answer:
    """Announces the whole content, sends its first bytes, then resets the connection."""

    def answer(handler: "Handler", content: bytes) -> None:
        handler.head(content)
        handler.wfile.write(handler.wanted(content)[:sent])
        handler.close_connection = True

    return answer


def held_after(sent: int, reached: threading.Event, release: threading.Event) -> Answer:
    """Sends the first bytes, signals it, and holds the connection until released."""

    def answer(handler: "Handler", content: bytes) -> None:
        handler.head(content)
        handler.wfile.write(handler.wanted(content)[:sent])
        handler.wfile.flush()
        reached.set()
        release.wait(60)
        handler.close_connection = True

    return answer


def instead(other: bytes) -> Answer:
    return lambda handler, _: handler.serve(other)


def no_ranges(handler: "Handler", content: bytes) -> None:
    """Answers a request for a range with everything, as a server may."""
    handler.reply(200, content)


def moved_to(url: str) -> Answer:
    return status(302, Location=url)


@dataclass
class Hub:
    """State of the server. `requests` are the requested paths, each with its token."""

    repository: str = REPOSITORY
    files: dict[str, bytes] = field(default_factory=lambda: {**FILES, **LEFT_OUT})
    gated_by: str | None = None
    """The required token."""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    """File or `listing` → fake answers to the next requests, one each; later requests get the right answer."""
    always: dict[str, Answer] = field(default_factory=dict)
    listing: Any = None
    """The API's listing, if it differs from the files."""
    revision: str = REVISION
    url: str = ""
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def asked_for(self, what: str) -> list[str | None]:
        """The tokens of the requests whose path has this ending."""
        return [token for path, token in self.requests if path.endswith(what)]

    def index(self) -> dict[str, Any]:
        return {
            "id": self.repository,
            "sha": self.revision,
            "gated": bool(self.gated_by),
            "siblings": [self._sibling(path, content) for path, content in self.files.items()],
        }

    def _sibling(self, path: str, content: bytes) -> dict[str, Any]:
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        sibling: dict[str, Any] = {"rfilename": path, "size": len(content), "blobId": blob}
        if path.endswith((".safetensors", ".pth", ".gguf", ".bin")):
            sha256 = hashlib.sha256(content).hexdigest()
            sibling["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 134}
        return sibling


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def hub(self) -> Hub:
        return cast(_Server, self.server).hub

    def do_GET(self) -> None:
        hub = self.hub
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
        path = unquote(urlsplit(self.path).path)
        with hub.lock:
            hub.requests.append((path, token))
        api = f"/api/models/{hub.repository}"
        resolved = f"/{hub.repository}/resolve/{hub.revision}/"
        if hub.gated_by and token != hub.gated_by:
            self.reply(403 if token else 401, b"{}")
        elif path in (api, f"{api}/revision/{hub.revision}"):
            self._answer("listing", json.dumps(hub.listing if hub.listing is not None else hub.index()).encode())
        elif path.startswith(resolved) and path.removeprefix(resolved) in hub.files:
            name = path.removeprefix(resolved)
            self._answer(name, hub.files[name])
        else:
            self.reply(404, b"{}")

    def _answer(self, name: str, content: bytes) -> None:
        hub = self.hub
        with hub.lock:
            planned = hub.answers.get(name) or []
            answer = planned.pop(0) if planned else hub.always.get(name)
        if answer:
            answer(self, content)
        else:
            self.serve(content)

    def wanted(self, content: bytes) -> bytes:
        return content[self._offset() :]

    def _offset(self) -> int:
        return int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))

    def head(self, content: bytes) -> None:
        """Status and headers for the requested range of the content."""
        offset = self._offset()
        if offset:
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {offset}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - offset))
        self.end_headers()

    def serve(self, content: bytes) -> None:
        if self._offset() >= len(content) > 0:
            self.reply(416, b"")
        else:
            self.head(content)
            self.wfile.write(self.wanted(content))

    def reply(self, code: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing; tests read `Hub.requests`."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    hub: Hub

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores errors, because some tests kill the client."""


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The hub on a free port of 127.0.0.1, its address in `url`."""
    server = _Server(("127.0.0.1", 0), Handler)
    server.hub = hub
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
