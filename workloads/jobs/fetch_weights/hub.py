"""Client of a model hub's HTTP API: the listing of a revision, and its files."""

from __future__ import annotations

import email.utils
import http.client
import re
import time
import urllib.parse
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from ..verify.untrusted import InvalidJson, read_json  # noqa: TID252 - the Job has no absolute name for it
from .errors import FetchFailed, Interrupted
from .listing import File
from .patience import Patience
from .web import Call, body, opened

HUB = "https://huggingface.co"

_ADDRESS = re.compile(r"https?://([\w.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?(/[\w./~-]*)?", re.ASCII)

# A listing of a thousand files has about 300 kB.
LONGEST_LISTING = 16 * 1024**2


class Hub:
    """A hub at one address. Methods raise Interrupted for temporary and FetchFailed for permanent errors."""

    def __init__(self, endpoint: str, token: str | None) -> None:
        if "@" in endpoint:
            raise FetchFailed("the hub's address contains a user name or a password; set the token in HF_TOKEN instead")
        if not _ADDRESS.fullmatch(endpoint):
            raise FetchFailed(f"{endpoint!r} is not the address of a hub; an example is {HUB}")
        # The error of http.client would show a token that contains a line break.
        if token is not None and not re.fullmatch(r"[!-~]+", token):
            raise FetchFailed("HF_TOKEN has characters that no token has, such as a space or a line break")
        self._endpoint = endpoint.rstrip("/")
        self._token = token

    def info(self, repository: str, revision: str | None, patience: Patience) -> Any:
        """The API's answer on a repository at a revision, or at its newest one: plain data, unchecked."""
        at = f"/revision/{urllib.parse.quote(revision, safe='')}" if revision else ""
        path = f"/api/models/{urllib.parse.quote(repository)}{at}?blobs=true"
        with self._open(path, LONGEST_LISTING, 0, patience) as response:
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise FetchFailed("the hub compresses its listing, although the request asks for no compression")
            text = b"".join(body(response, limit=LONGEST_LISTING))
        if len(text) > LONGEST_LISTING:
            raise FetchFailed(f"{self._endpoint} sends a listing of more than {LONGEST_LISTING} bytes")
        try:
            return read_json(text.decode())
        except (InvalidJson, UnicodeDecodeError):
            raise FetchFailed(f"{self._endpoint} does not answer like a model hub: the answer is not JSON") from None

    @contextmanager
    def file(
        self, repository: str, revision: str, file: File, offset: int, patience: Patience
    ) -> Generator[tuple[bool, Iterator[bytes]]]:
        """Whether the body continues at `offset`, and the body, which exceeds the file's size by at most one piece."""
        path = f"/{urllib.parse.quote(repository)}/resolve/{revision}/{urllib.parse.quote(file.path)}"
        with self._open(path, file.size, offset, patience) as response:
            goes_on = (response.headers.get("Content-Range") or "").startswith(f"bytes {offset}-")
            yield offset > 0 and response.status == 206 and goes_on, body(response, limit=file.size)

    @contextmanager
    def _open(self, path: str, limit: int, offset: int, patience: Patience) -> Generator[http.client.HTTPResponse]:
        with opened(Call(self._endpoint + path, limit, offset, self._token), patience) as response:
            if response.status not in (200, 206):
                raise self._refusal(response, offset)
            yield response

    def _refusal(self, response: http.client.HTTPResponse, offset: int) -> Exception:
        code = response.status
        if code in (408, 429) or code >= 500:
            return Interrupted(f"HTTP {code}", retry_after(response.headers.get("Retry-After")))
        match code:
            case 401 | 403 if self._token:
                return FetchFailed(
                    f"the hub rejects the token in HF_TOKEN (HTTP {code}); its account must have accepted the "
                    "model's terms on the model's page"
                )
            case 401 | 403:
                return FetchFailed(
                    f"the hub requires a token (HTTP {code}): the repository is gated, private or missing; set "
                    "HF_TOKEN to the token of an account that has accepted the model's terms"
                )
            case 404:
                return FetchFailed("the hub does not have it (HTTP 404); check repository and revision")
            case 416:
                return FetchFailed(f"the hub has only {offset} bytes of it, but its index says more")
            case _:
                return FetchFailed(f"the hub answers HTTP {code}")


def retry_after(header: str | None) -> float:
    """Seconds from a Retry-After header, which has seconds or a date; 0 if it is missing or invalid."""
    if header is None or len(header) > 64:
        return 0.0
    if re.fullmatch(r"[0-9]{1,9}", header.strip()):
        return float(header)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
