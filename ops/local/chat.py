"""One streamed chat completion, timed as a client sees it."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ops.local.errors import LocalRunError


@dataclass(frozen=True)
class Streamed:
    """A complete answer in the pieces received; `arrivals` are the seconds from sending the request to each piece."""

    pieces: tuple[str, ...]
    arrivals: tuple[float, ...]

    @property
    def first_token_seconds(self) -> float:
        return self.arrivals[0]


def stream_chat(
    endpoint: str,
    model: str,
    prompt: str,
    *,
    max_tokens: int,
    timeout: float = 60.0,
    on_text: Callable[[str], None] = lambda _: None,
) -> Streamed:
    """Sends a prompt and reads the whole answer, within `timeout` seconds; `on_text` gets each piece as it arrives.

    Raises LocalRunError if the request is refused, the stream breaks off, or the answer has no text.
    """
    body = {
        "model": model,
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": max_tokens,
        "stream": True,
    }
    started = time.monotonic()
    pieces: list[str] = []
    arrivals: list[float] = []
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=timeout)
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        if response.status != 200:
            raise LocalRunError(f"the chat was refused with HTTP {response.status}: {response.read(500).decode()}")
        for event in _events(response):
            piece = event["choices"][0]["delta"].get("content") or "" if event.get("choices") else ""
            if piece:
                arrivals.append(time.monotonic() - started)
                pieces.append(piece)
                on_text(piece)
            if time.monotonic() - started > timeout:
                raise LocalRunError(f"the answer was not complete after {timeout:g} s")
    except (OSError, http.client.HTTPException) as error:
        raise LocalRunError(f"the chat broke off after {len(pieces)} pieces of text: {error}") from None
    finally:
        connection.close()
    if not pieces:
        raise LocalRunError("the chat ended without any text")
    return Streamed(tuple(pieces), tuple(arrivals))


def _events(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    """The JSON of each server-sent event up to [DONE]. Raises LocalRunError if the stream ends without it."""
    for raw in response:
        line = raw.decode().strip()
        if not line.startswith("data:"):
            continue
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            return
        event = json.loads(data)
        if "error" in event or "choices" not in event:
            raise LocalRunError(f"the stream ended with an error: {data[:200]}")
        yield event
    raise LocalRunError("the stream ended before [DONE]")
