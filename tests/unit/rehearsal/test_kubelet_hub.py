"""The rehearsal's model hub, asked as the download asks it."""

import hashlib
import json

import pytest

from ops.rehearsal.kubelet import hub
from ops.rehearsal.kubelet.faults import Hub
from ops.rehearsal.kubelet.hub import HOSTS
from ops.rehearsal.kubelet.servers import Reply
from workloads.jobs.fetch_weights.listing import listing

REVISION = "0123456789abcdef0123456789abcdef01234567"
FREE, GATED = "Qwen/Qwen3-0.6B", "meta-llama/Llama-3.3-70B-Instruct"
WEIGHTS = "model-00001-of-00002.safetensors"
NONE: frozenset[Hub] = frozenset()


def ask(path: str, token: str | None = None, start: int = 0, found: frozenset[Hub] = NONE) -> Reply:
    return hub.answer(path, token, start, found)


def api(repository: str) -> str:
    return f"/api/models/{repository}/revision/{REVISION}"


def file(path: str, repository: str = FREE) -> str:
    return f"/{repository}/resolve/{REVISION}/{path}"


def test_the_listing_has_the_true_hashes_of_the_files() -> None:
    revision, files = listing(json.loads(ask(api(FREE)).body))
    assert revision == REVISION
    assert {each.path for each in files} == {"config.json", "tokenizer.json", WEIGHTS, WEIGHTS.replace("1-of", "2-of")}
    for each in files:
        content = hub.files(FREE)[each.path]
        assert each.size == len(content)
        assert each.sha256 in (None, hashlib.sha256(content).hexdigest())


def test_weights_come_from_another_host_without_a_token() -> None:
    moved = ask(file(WEIGHTS)).headers["Location"]
    assert moved.startswith(f"https://{HOSTS[1]}/")
    there = moved.removeprefix(f"https://{HOSTS[1]}")
    assert ask(there).body == hub.files(FREE)[WEIGHTS]
    assert ask(there, token="hf_x").status == 400


def test_a_range_continues() -> None:
    content = hub.files(FREE)["config.json"]
    rest = ask(file("config.json"), start=100)
    assert (rest.status, rest.body) == (206, content[100:])
    assert rest.headers["Content-Range"] == f"bytes 100-{len(content) - 1}/{len(content)}"


CASES = [
    ("gated, by its card", api(GATED), None, NONE, 401),
    ("gated, with a token", api(GATED), "hf_x", NONE, 200),
    ("free", api(FREE), None, NONE, 200),
    ("all gated", api(FREE), None, frozenset({Hub.GATED}), 401),
    ("a token that is not accepted", api(FREE), "hf_x", frozenset({Hub.GATED}), 403),
    ("no such revision", api(FREE), None, frozenset({Hub.MISSING}), 404),
    ("a limited rate", api(FREE), None, frozenset({Hub.RATE_LIMITED}), 429),
    ("no such file", file("other.json"), None, NONE, 404),
    ("no such path", "/", None, NONE, 404),
]


@pytest.mark.parametrize(("name", "path", "token", "found", "status"), CASES, ids=[case[0] for case in CASES])
def test_statuses(name: str, path: str, token: str | None, found: frozenset[Hub], status: int) -> None:
    assert ask(path, token, found=found).status == status


def test_bad_contents() -> None:
    whole = hub.files(FREE)["config.json"]
    cut = ask(file("config.json"), found=frozenset({Hub.TRUNCATED}))
    assert (cut.announced, cut.body) == (len(whole), whole[: len(whole) // 2])
    assert ask(file("config.json"), found=frozenset({Hub.WRONG_CONTENT})).body == bytes(len(whole))
