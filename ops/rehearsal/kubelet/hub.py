"""A model hub for the Jobs that fetch weights: the name of the real one, an address of the rehearsal, tiny files.

The content of a repository is made from its name, and the hub's listing has its true sizes and hashes, so the Job's own
checks hold or fail on real bytes. Weights come by a redirect to another host, as the real hub sends them. A card with
pinned `files` cannot be fetched: nobody can make content for the hashes of real weights, and the Job says so.
"""

import functools
import hashlib
import json
import re
from typing import Any

from catalog.models import card, card_names
from ops.rehearsal.certificates import Certificate
from ops.rehearsal.kubelet import faults
from ops.rehearsal.kubelet.faults import Hub
from ops.rehearsal.kubelet.network import HUB
from ops.rehearsal.kubelet.servers import Reply, Request, Server
from ops.rehearsal.world import World

HOSTS = ("huggingface.co", "cas-bridge.xethub.hf.co")
"""The hub, and the host that has the contents of large files. In a pod, both names lead to the rehearsal's hub."""
PORT = 443
_FILES = {"config.json": 700, "tokenizer.json": 2_000, "README.md": 500}
_WEIGHTS = {f"model-{number:05}-of-00002.safetensors": 100_000 for number in (1, 2)}
_API = re.compile(r"/api/models/(?P<repository>[\w.-]+/[\w.-]+)/revision/(?P<revision>[0-9a-f]{40})")
_CONTENT = "/content"
_FILE = re.compile(rf"(?:{_CONTENT})?/(?P<repository>[\w.-]+/[\w.-]+)/resolve/[0-9a-f]{{40}}/(?P<path>[\w./-]+)")


@functools.cache
def files(repository: str) -> dict[str, bytes]:
    """The files of a repository. Any repository exists."""
    return {path: _bytes(f"{repository}/{path}", size) for path, size in (_FILES | _WEIGHTS).items()}


@functools.cache
def gated() -> frozenset[str]:
    """The repositories that want a token: those whose cards say so. Any token will do."""
    return frozenset(each.repository for each in map(card, card_names()) if each.gated)


def answer(path: str, token: str | None, start: int, found: frozenset[Hub]) -> Reply:
    """The answer to one GET request. `start`: the first byte that it asks for."""
    if Hub.RATE_LIMITED in found:
        return Reply(429, headers={"Retry-After": "86400"})
    asked = _API.fullmatch(path) or _FILE.fullmatch(path)
    if asked is None or Hub.MISSING in found:
        return Reply(404)
    direct = not path.startswith(_CONTENT)
    if direct and (Hub.GATED in found or (asked["repository"] in gated() and not token)):
        return Reply(403 if token else 401)
    if asked.re is _API:
        return Reply(200, json.dumps(_listing(asked["repository"], asked["revision"])).encode())
    name, content = asked["path"], files(asked["repository"]).get(asked["path"])
    if content is None:
        return Reply(404)
    if name in _WEIGHTS and direct:
        return Reply(302, headers={"Location": f"https://{HOSTS[1]}{_CONTENT}{path}"})
    if not direct and token:
        return Reply(400, b'{"error": "a token came with a redirect"}')
    return _content(content, start, found)


def _content(content: bytes, start: int, found: frozenset[Hub]) -> Reply:
    if Hub.WRONG_CONTENT in found:
        content = bytes(len(content))
    rest = content[start:]
    ranged = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
    sent = rest[: len(rest) // 2] if Hub.TRUNCATED in found else rest
    return Reply(206 if start else 200, sent, ranged, announced=len(rest))


def _listing(repository: str, revision: str) -> dict[str, Any]:
    return {"id": repository, "sha": revision, "siblings": [_sibling(*file) for file in files(repository).items()]}


def _sibling(path: str, content: bytes) -> dict[str, Any]:
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    lfs = {"lfs": {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}} if path in _WEIGHTS else {}
    return {"rfilename": path, "size": len(content), "blobId": blob, **lfs}


def _bytes(seed: str, size: int) -> bytes:
    """Bytes that depend on the seed and do not repeat."""
    blocks = (hashlib.sha256(f"{seed} {number}".encode()).digest() for number in range(size // 32 + 1))
    return b"".join(blocks)[:size]


def server(world: World, certificate: Certificate) -> Server:
    """The hub and its host of contents, at HUB."""

    def answered(request: Request) -> Reply:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or None
        start = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        return answer(request.path, token, start, faults.of_hub(world))

    return Server((HUB, PORT), answered, certificate)
