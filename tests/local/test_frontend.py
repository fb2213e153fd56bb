"""What Dynamo's frontend answers to anybody who reaches it. It knows no login, so every path is open to all."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.local.deployed import Deployed, deployed
from tests.local.private import in_private_network
from tests.local.sample_graph import MODEL
from workloads.gateway import PUBLIC_PATH
from workloads.jobs.verify.chat import fresh_prompt
from workloads.jobs.verify.clock import Deadline
from workloads.jobs.verify.web import fetch

pytestmark = pytest.mark.usefixtures("dynamo")

# Busy from the first token on, which no worker can help.
ALWAYS_BUSY = {"model": MODEL, "active_decode_blocks_threshold": 0.0, "active_prefill_tokens_threshold": 1}
CLIENTS = 12


@in_private_network
def test_nobody_can_make_the_model_refuse_its_clients() -> None:
    with deployed(1, 1) as graph:
        assert _status(graph, "/busy_threshold") == 404
        assert _status(graph, "/busy_threshold", ALWAYS_BUSY) == 404
        assert _answers(graph) == {200: CLIENTS}


@in_private_network
def test_with_the_admin_api_one_request_makes_it_refuse_them() -> None:
    """The control: without the switch of every frontend, the attack works."""
    with deployed(1, 1, admin_api=True) as graph:
        assert _answers(graph) == {200: CLIENTS}
        assert _status(graph, "/busy_threshold", ALWAYS_BUSY) == 200
        assert _answers(graph)[529] > CLIENTS / 2


@in_private_network
def test_the_paths_that_answer_are_those_of_the_docs() -> None:
    with deployed(1, 1) as graph:
        answered = {path: _status(graph, path) for path in ("/health", "/live", "/metrics", "/docs/", "/openapi.json")}
        described = json.loads(fetch(f"{graph.endpoint}/openapi.json", Deadline(10))[1])["paths"]
    assert answered == dict.fromkeys(answered, 200)
    # All others are below the public path. One that a later Dynamo adds is to be looked at.
    assert {path for path in described if not path.startswith(PUBLIC_PATH)} == {"/health", "/live", "/metrics"}


@pytest.mark.parametrize("secret", ["metrics", "health", "openapi.json"])
@in_private_network
def test_the_public_path_leads_nowhere_else(secret: str) -> None:
    spellings = ("/v1/../{}", "/v1/%2e%2e/{}", "/v1/models/../../{}", "/v1/..%2f{}", "/v1//{}", "/v1/{}")
    with deployed(1, 1) as graph:
        answered = {spelling: _status(graph, spelling.format(secret)) for spelling in spellings}
    assert answered == dict.fromkeys(spellings, 404)


def _status(graph: Deployed, path: str, body: dict[str, object] | None = None) -> int:
    return fetch(f"{graph.endpoint}{path}", Deadline(10), body)[0]


def _answers(graph: Deployed) -> Counter[int]:
    """How many of the clients that ask at once get which status."""

    def ask(prompt: str) -> int:
        body = {"model": MODEL, "messages": [{"role": "user", "content": prompt}], "max_tokens": 60}
        return _status(graph, "/v1/chat/completions", body)

    with ThreadPoolExecutor(CLIENTS) as pool:
        return Counter(pool.map(ask, [fresh_prompt() for _ in range(CLIENTS)]))
