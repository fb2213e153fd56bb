"""Headless Chromium, driven by the DevTools protocol over a loopback WebSocket."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import websocket

from tools.pictures import browser

START_SECONDS = 60
ANSWER_SECONDS = 60

# The browser's own methods that these tests need to hear from.
_DOMAINS = ("Page", "Runtime", "Network", "Log")


class Tab:
    """One page. `events` has what the browser reported, by method."""

    def __init__(self, socket: websocket.WebSocket) -> None:
        self._socket = socket
        self._calls = 0
        self.events: list[tuple[str, dict[str, Any]]] = []
        for domain in _DOMAINS:
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._calls += 1
        self._socket.send(json.dumps({"id": self._calls, "method": method, "params": params}))
        while True:
            message = self._read()
            if message.get("id") == self._calls:
                assert "error" not in message, message
                return message["result"]

    def _read(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._socket.recv())
        if "method" in message:
            self.events.append((message["method"], message["params"]))
        return message

    def open(self, page: Path | str) -> None:
        """Opens a file or a URL."""
        self.events.clear()
        self.call("Page.navigate", url=page if isinstance(page, str) else page.as_uri())
        while not self.of("Page.loadEventFired"):
            self._read()

    def of(self, method: str) -> list[dict[str, Any]]:
        return [params for name, params in self.events if name == method]

    def run(self, script: str) -> Any:
        """The value of an expression; of a promise, what it resolves to."""
        done = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def resize(self, width: int) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)

    def prefer(self, scheme: str) -> None:
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    @property
    def errors(self) -> list[dict[str, Any]]:
        """Exceptions, console messages and log entries."""
        methods = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [params for method in methods for params in self.of(method)]


@contextmanager
def tab(folder: Path) -> Iterator[Tab]:
    """A tab of a browser with its own profile. Skips the test where Chromium is not installed."""
    program = browser.chromium()
    if program is None:
        pytest.skip("no Chromium on PATH (Debian: apt-get install chromium), so no page is opened in a browser")
    words = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
    process = subprocess.Popen(
        [program, *words, "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        address = _port(folder / "DevToolsActivePort", process)
        with closing(_socket(_page(address))) as socket:
            yield Tab(socket)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _port(file: Path, process: subprocess.Popen[bytes]) -> str:
    """The browser's WebSocket, which it writes into its profile."""
    for _ in range(START_SECONDS * 10):
        lines = file.read_text().splitlines() if file.is_file() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        assert process.poll() is None, "Chromium ended at its start"
        time.sleep(0.1)
    raise AssertionError(f"Chromium opened no port in {START_SECONDS} s")


def _socket(address: str) -> websocket.WebSocket:
    return websocket.create_connection(address, timeout=ANSWER_SECONDS, suppress_origin=True)


def _page(browser: str) -> str:
    """The WebSocket of the browser's first page."""
    with closing(_socket(browser)) as socket:
        socket.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
        targets = json.loads(socket.recv())["result"]["targetInfos"]
    page = next(target["targetId"] for target in targets if target["type"] == "page")
    return f"{browser.partition('/devtools/')[0]}/devtools/page/{page}"
