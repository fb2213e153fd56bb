"""A small real HTTP server that fakes a frontend and its workers, well behaved or not."""

import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

from tests.loopback import listening

GOOD_ANSWER = "a river runs past the garden"


@dataclass
class Behavior:
    """How the fake answers. `prefills` false is a decode worker that computes every prompt by itself."""

    models: tuple[str, ...] = ("tiny",)
    answer: str | None = GOOD_ANSWER
    reasoning: str | None = None
    finish_reason: str = "stop"
    prefills: bool = True
    ready_after: float = 0.0
    resets: int = 0
    drips: bool = False
    nixl_bytes: int = 0
    nixl_failures: int = 0
    metrics_of_both: bool = False
    """One address for the metrics of both roles, as pods have `/metrics` and nothing else."""
    route: Callable[[int], int] = lambda prompt: 0
    """The decode worker that serves the n-th prompt; its metrics are under /decode-0, /decode-1 and so on."""
    prompts: list[str] = field(default_factory=list)

    def served(self, worker: int) -> int:
        return sum(self.route(prompt) == worker for prompt in range(len(self.prompts)))


class _Handler(BaseHTTPRequestHandler):
    behavior: ClassVar[Behavior]
    started: ClassVar[float]

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self._answer({"data": [{"id": name} for name in self.behavior.models if self._ready()]})
        elif self.path == "/metrics" and self.behavior.metrics_of_both:
            served = len(self.behavior.prompts)
            self._answer(_metrics("prefill", served) + _metrics("backend", served) + _nixl(self.behavior, served))
        elif self.path == "/prefill":
            self._answer(_metrics("prefill", len(self.behavior.prompts) * self.behavior.prefills))
        else:
            served = self.behavior.served(int(self.path.partition("-")[2] or 0))
            self._answer(_metrics("backend", served) + _nixl(self.behavior, served))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.behavior.resets:
            self.behavior.resets -= 1
            # Linger 0 turns the close into a TCP reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.shutdown(socket.SHUT_RD)
            self.close_connection = True
            return
        if self.behavior.drips:
            self._drip()
            return
        self.behavior.prompts.append(body["messages"][0]["content"])
        message = {"content": self.behavior.answer, "reasoning_content": self.behavior.reasoning}
        self._answer({"choices": [{"message": message, "finish_reason": self.behavior.finish_reason}]})

    def _ready(self) -> bool:
        return time.monotonic() - self.started >= self.behavior.ready_after

    def _drip(self) -> None:
        """An answer that never ends, one byte at a time, for longer than any test waits."""
        self.send_response(200)
        self.end_headers()
        for _ in range(300):
            try:
                self.wfile.write(b" ")
            except OSError:
                return
            time.sleep(0.1)

    def _answer(self, content: Any) -> None:
        data = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test output clean."""


def _metrics(component: str, requests: int) -> str:
    """A worker's metrics; the side endpoint's 99 must not be mistaken for served requests."""
    labels = f'dynamo_component="{component}",dynamo_namespace="a,b}} \\"c\\""'
    return "".join(
        f'dynamo_component_requests_total{{{labels},dynamo_endpoint="{endpoint}"}} {count}\n'
        for endpoint, count in (("generate", requests), ("worker_kv_query", 99))
        if count
    )


def _nixl(behavior: Behavior, prompts: int) -> str:
    return (
        f'vllm:nixl_bytes_transferred_sum{{engine="0"}} {behavior.nixl_bytes * prompts}\n'
        f'vllm:nixl_xfer_time_seconds_count{{engine="0"}} {prompts if behavior.nixl_bytes else 0}\n'
        f'vllm:external_prefix_cache_hits_total{{engine="0"}} {400 * prompts if behavior.nixl_bytes else 0}\n'
        f'vllm:nixl_num_failed_transfers_total{{engine="0"}} {behavior.nixl_failures * prompts}\n'
    )


@contextmanager
def serving(behavior: Behavior) -> Iterator[str]:
    """The fake's address, http://127.0.0.1:<free port>; metrics are under /prefill and /decode, which is /decode-0."""
    handler = type("Handler", (_Handler,), {"behavior": behavior, "started": time.monotonic()})
    with listening(handler) as address:
        yield address
