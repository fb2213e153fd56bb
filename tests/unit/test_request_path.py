"""The numbers in the picture of an environment: each step of a request, in the box where it happens, and no other."""

from collections import Counter
from collections.abc import Mapping
from html.parser import HTMLParser
from itertools import product
from typing import Any

import pytest

from ops.report.drawn import only_draws
from ops.report.page.html import html
from ops.report.page.mermaid import mermaid
from ops.report.page.view import Page
from tests import pages
from tests.stacks import SHIPPED

FP8 = "llama-3.3-70b-instruct-fp8"
SPLIT = {"model": "llama-3.3-70b-instruct", "layout": "multi-node"}
SLOW = {**SPLIT, "kvTransfer": "tcp"}
SHARED = {"model": FP8, "layout": "single-node"}
WHOLE = {"model": FP8, "layout": "aggregated"}
WIDE = {"model": FP8, "layout": "multi-node-aggregated"}
SIMULATED = {"model": "qwen3-0.6b", "layout": "simulated"}

EXPOSURES: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "none": ({"exposure": "none"}, "cluster"),
    "internal": ({"exposure": "internal"}, "vpc"),
    "gateway": ({"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["203.0.113.0/24"]}, "outside"),
}
"""Exposure → its settings, and the box that has the clients."""
RDMA: Mapping[str, Mapping[str, Any]] = {
    "networks of the stack": {},
    "networks of GKE": {"network": {"rdma": "dranetAuto"}},
    "no RDMA": {"network": {"rdma": "none"}},
    "an existing cluster": {"cluster": {"existing": {"context": "gke_my-project_europe-west1_ours"}}},
    "machines without NICs": {"capacity": {"machine": "a3-highgpu-8g", "mode": "spot", "maxNodes": 20}},
}
# Deployments, and the boxes of the steps in them.
MODELS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Mapping[str, int]]]] = {
    "RDMA": (
        {"a": SPLIT},
        {"Frontend": {"cpu": 1}, "Prefill": {"pool": 1}, "KV cache": {"rdma": 1}, "Decode": {"pool": 1}},
    ),
    "RDMA on one node": (
        {"a": SHARED},
        {"Frontend": {"cpu": 1}, "Prefill": {"pool": 1}, "KV cache": {"rdma": 1}, "Decode": {"pool": 1}},
    ),
    "TCP": (
        {"a": SLOW},
        {"Frontend": {"cpu": 1}, "Prefill": {"pool": 1}, "KV cache": {"cluster": 1}, "Decode": {"pool": 1}},
    ),
    "simulated": (
        {"a": SIMULATED},
        {"Frontend": {"cpu": 1}, "Prefill": {"cpu": 1}, "KV cache": {"cpu": 1}, "Decode": {"cpu": 1}},
    ),
    "aggregated": ({"a": WHOLE}, {"Frontend": {"cpu": 1}, "Worker": {"pool": 1}}),
    "one by RDMA, one by TCP": (
        {"a": SPLIT, "b": SLOW},
        {"Frontend": {"cpu": 2}, "Prefill": {"pool": 1}, "KV cache": {"rdma": 1, "cluster": 1}, "Decode": {"pool": 1}},
    ),
    "TCP beside aggregated ones": (
        {"a": SLOW, "b": WHOLE, "c": WIDE},
        {
            "Frontend": {"cpu": 3}, "Prefill": {"pool": 1}, "KV cache": {"cluster": 1}, "Decode": {"pool": 1},
            "Worker": {"pool": 1},
        },
    ),
    "one of each": (
        {"a": SPLIT, "b": SLOW, "c": SHARED, "d": WHOLE, "e": SIMULATED},
        {
            "Frontend": {"cpu": 5}, "Prefill": {"pool": 2, "cpu": 1}, "KV cache": {"rdma": 1, "cluster": 1, "cpu": 1},
            "Decode": {"pool": 2, "cpu": 1}, "Worker": {"pool": 1},
        },
    ),
}  # fmt: skip
NEEDS_NICS = {"RDMA", "RDMA on one node", "one by RDMA, one by TCP", "one of each"}
NO_NICS = {"no RDMA", "machines without NICs"}
BOXES = ("outside", "project", "vpc", "cluster", "cpu", "pool", "rdma")


class Picture(HTMLParser):
    """The numbers in the picture, each with the innermost box that has it."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.numbers: Counter[tuple[int, str]] = Counter()
        self.texts: dict[str, str] = {}
        self._open: list[list[str]] = []
        self.feed(html(page))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "input"):
            self._open.append((dict(attrs).get("class") or "").split())

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()

    def handle_data(self, data: str) -> None:
        classes = [name for names in self._open for name in names]
        if "picture" in classes:
            box = next(name for name in [*reversed(classes), "outside"] if name in BOXES)
            self.texts[box] = self.texts.get(box, "") + data
            if "badge" in self._open[-1]:
                self.numbers[int(data), box] += 1


def expected(page: Page, steps: Mapping[str, Mapping[str, int]], clients: str) -> dict[tuple[int, str], int]:
    boxes = {"Client": {clients: 1}, **steps, "Answer": {clients: 1}}
    assert {step.where for step in page.environment.steps} == set(boxes)
    assert [step.number for step in page.environment.steps] == list(range(1, len(boxes) + 1))
    at = page.environment.at
    return {(at[where], box): count for where, found in boxes.items() for box, count in found.items()}


# Each exposure, and each kind of RDMA network, with all deployments: neither changes what the other one draws.
CASES = [
    (exposure, rdma, models)
    for exposure, rdma, models in product(EXPOSURES, RDMA, MODELS)
    if not (rdma in NO_NICS and models in NEEDS_NICS) and (exposure == "internal" or rdma == "networks of the stack")
]


@pytest.mark.parametrize(("exposure", "rdma", "models"), CASES)
def test_each_step_has_its_number_where_it_happens(exposure: str, rdma: str, models: str) -> None:
    (endpoint, clients), (deployments, steps) = EXPOSURES[exposure], MODELS[models]
    changes = {"endpoint": endpoint, "models": deployments, **RDMA[rdma]}
    page = pages.of({"capacity.maxNodes": 20, **changes} if "capacity" not in changes else changes)
    picture = Picture(page)
    assert picture.numbers == expected(page, steps, clients)
    nics = picture.texts.get("rdma", "")
    assert ("KV cache out of prefill" in picture.texts["project"]) == (models in NEEDS_NICS)
    assert "TCP" not in nics
    assert ("idle: no KV cache moves over it" in nics) == bool(nics and models not in NEEDS_NICS)


@pytest.mark.parametrize("stack", SHIPPED)
def test_every_step_of_a_shipped_stack_has_a_number(stack: str) -> None:
    page = pages.shipped(stack)
    assert {number for number, _ in Picture(page).numbers} == {step.number for step in page.environment.steps}


def test_each_way_of_kv_cache_names_its_deployments_where_there_are_several() -> None:
    several = Picture(pages.of({"models": {"a": SPLIT, "b": SLOW, "c": SIMULATED}, "capacity.maxNodes": 20})).texts
    assert "KV cache for a: RDMA over the NIC rails" in several["rdma"]
    assert "KV cache for b: TCP over the pod network (slow)" in several["cluster"]
    assert "KV cache for c: simulated" in several["cpu"]
    assert "KV cache: RDMA" in Picture(pages.shipped("prod")).texts["rdma"]


@pytest.mark.parametrize("exposure", EXPOSURES)
def test_the_flowchart_has_clients_where_they_are(exposure: str) -> None:
    endpoint, clients = EXPOSURES[exposure]
    text = mermaid(pages.of({"endpoint": endpoint, "models": {"a": SLOW}}).environment)
    assert only_draws(text)
    open_boxes = ["outside"]
    for line in text.splitlines():
        if line.startswith("subgraph "):
            open_boxes.append(line.removeprefix("subgraph ").partition("[")[0])
        elif line == "end":
            open_boxes.pop()
        elif line.startswith("client["):
            assert open_boxes[-1] == clients
        elif line.startswith("endpoint["):
            assert open_boxes[-1] == ("cluster" if clients == "cluster" else "vpc")
    assert 'pool0engine0 ==>|"KV cache, tcp"| pool1engine0' in text
