"""The picture of an environment: what it shows of each kind of stack, escaped, as a page and as a flowchart."""

import re
from html import escape
from typing import Any

import pytest

from catalog.contracts import Role
from ops.report.drawn import CLASSES, label, only_draws
from ops.report.page.html import html
from ops.report.page.mermaid import mermaid
from ops.report.page.placement import Engine, Nodes, mark
from ops.report.page.view import Page
from tests import pages
from tests.stacks import SHIPPED

CHAT: dict[str, Any] = {"model": "llama-3.3-70b-instruct", "layout": "multi-node"}
FP8 = "llama-3.3-70b-instruct-fp8"


def engine(role: Role, gpus: int, graph: str = "chat", deployment: int = 1) -> Engine:
    return Engine(graph=graph, deployment=deployment, role=role, gpus=gpus)


def nodes(first: int, count: int, *engines: Engine) -> Nodes:
    return Nodes(first=first, count=count, engines=engines, free=8 - sum(e.gpus for e in engines))


PREFILL, DECODE = engine(Role.PREFILL, 8), engine(Role.DECODE, 8)
PLACED = {
    "roles on two nodes": ({}, {"prefill": [nodes(1, 1, PREFILL)], "decode": [nodes(1, 1, DECODE)]}),
    "many nodes": (
        {"models.chat.prefill": {"replicas": 40}, "capacity.maxNodes": 60},
        {"prefill": [nodes(1, 40, PREFILL)], "decode": [nodes(1, 1, DECODE)]},
    ),
    "roles on one node": (
        {"models": {"chat": {"model": FP8, "layout": "single-node"}}},
        {"shared": [nodes(1, 1, *[engine(Role.PREFILL, 1)] * 4, engine(Role.DECODE, 4))]},
    ),
    "two deployments on one node": (
        {
            "models": {
                "chat": {"model": FP8, "layout": "aggregated", "worker": {"replicas": 1, "tensorParallel": 4}},
                "other": {"model": FP8, "layout": "aggregated", "worker": {"replicas": 1, "tensorParallel": 2}},
            }
        },
        {"worker": [nodes(1, 1, engine(Role.WORKER, 4), engine(Role.WORKER, 2, "other", 2))]},
    ),
}


@pytest.mark.parametrize("case", PLACED)
def test_every_engine_is_on_a_node_that_has_room(case: str) -> None:
    changes, want = PLACED[case]
    assert {pool.name: list(pool.nodes) for pool in pages.of(changes).environment.pools} == want


def test_of_many_identical_nodes_two_are_drawn_and_the_others_counted() -> None:
    many = nodes(3, 62, PREFILL)
    assert (list(many.drawn), many.hidden) == ([3, 4], 60)
    few = nodes(1, 3, PREFILL)
    assert (list(few.drawn), few.hidden) == ([1, 2, 3], 0)


@pytest.mark.parametrize("stack", SHIPPED)
def test_the_picture_has_all_gpus_of_the_plan(stack: str) -> None:
    page = pages.shipped(stack)
    shown = sum(
        group.count * (group.free + sum(e.gpus for e in group.engines))
        for pool in page.environment.pools
        for group in pool.nodes
    )
    assert {unit: value for unit, value, *_ in ((u, v) for v, u, _ in page.facts)}["GPUs"] == str(shown)


# Changes of a stack → words of the picture.
WORDS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "an internal load balancer": ({"endpoint": {"exposure": "internal"}}, ["Internal load balancer"]),
    "no load balancer": (
        {"endpoint": {"exposure": "none"}},
        ["no load balancer", "from inside the cluster", "fail the update unless serving is verified"],
    ),
    "a verification that only reports": (
        {"models.chat.verification": "reported"},
        ["report whether serving works"],
    ),
    "a gateway": (
        {"endpoint": {"exposure": "gateway", "domain": "llm.example.com", "allowedCidrs": ["203.0.113.0/24"]}},
        ["https://&lt;deployment&gt;.llm.example.com", "203.0.113.0/24 only"],
    ),
    "an existing cluster": (
        {"cluster": {"existing": {"context": "gke_my-project_europe-west1_ours"}}},
        ["GKE cluster ours", "<h4>VPC of the cluster ", "a node, existing<", "CPU nodes · existing"],
    ),
    "an existing VPC": (
        {
            "network": {
                "existing": {
                    "vpc": "corporate", "subnet": "gke", "podsRange": "pods", "servicesRange": "services",
                    "project": "host-project",
                }
            }
        },
        ["VPC corporate", "project host-project"],
    ),
    "networks of GKE": ({"network": {"rdma": "dranetAuto"}}, ["created by GKE", "RDMA over the NIC rails"]),
    "TCP": (
        {"network": {"rdma": "none"}, "models.chat.kvTransfer": "tcp"},
        ["TCP over the pod network (slow)"],
    ),
    "an aggregated deployment": (
        {"models": {"chat": {"model": FP8, "layout": "aggregated"}}},
        ["worker (prefill and decode)", "no cache moves"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WORDS)
def test_the_page_says_what_the_stack_has(case: str) -> None:
    changes, words = WORDS[case]
    text = html(pages.of(changes))
    assert [word for word in words if word not in text] == []
    assert only_draws(mermaid(pages.of(changes).environment))


def test_the_page_shows_the_costs_that_the_preview_prints() -> None:
    cost = {stack: {row[0]: row[1] for row in pages.shipped(stack).cost.rows} for stack in ("prod", "try")}
    # Only where a price is bounded is the sum of all nodes a bound, too.
    assert (cost["prod"]["total"], cost["prod"]["all scaled up"]) == ("172.05", "172.83")
    assert (cost["try"]["total"], cost["try"]["all scaled up"]) == ("1.53 (≤ 2.21)", "≤ 2.34")


def test_simulated_engines_move_no_kv_cache() -> None:
    environment = pages.shipped("dev").environment
    assert [transfer.way for transfer in environment.transfers] == [None]
    assert "no KV cache moves between GPUs" in next(s.what for s in environment.steps if s.where == "KV cache")


def test_equal_engines_side_by_side_share_a_label() -> None:
    two, one = engine(Role.PREFILL, 2), engine(Role.DECODE, 4)
    node = nodes(1, 1, two, two, one)
    assert (node.groups, node.gpus) == ([(two, 2), (one, 1)], 8)


def test_a_price_with_a_bound_keeps_its_sign_before_the_number() -> None:
    value, unit, day = pages.of(pages.ELSEWHERE).facts[0]
    assert re.fullmatch(r"(≤ )?[\d,.]+( \(≤ [\d,.]+\))?", value)
    assert (unit, day.endswith("a day, predicted")) == ("USD an hour", True)


def test_what_is_between_backticks_is_code() -> None:
    text = html(pages.shipped("prod"))
    assert "so <code>pulumi up</code> stops" in text


@pytest.fixture(scope="module")
def several() -> Page:
    return pages.of(pages.SEVERAL)


def test_a_script_in_an_argument_stays_text(several: Page) -> None:
    text = html(several)
    assert pages.SCRIPT not in text
    assert text.count("&lt;script&gt;window.ran=1&lt;/script&gt;") >= 2  # arguments, configuration
    assert len(re.findall("<script", text)) == 1


@pytest.mark.parametrize("stack", [*SHIPPED, "several"])
def test_a_page_names_no_other_resource_and_no_secret(stack: str) -> None:
    text = html(pages.of(pages.SEVERAL) if stack == "several" else pages.shipped(stack))
    assert re.findall(r"""(?:src|href|url|action|@import)\s*[=(]\s*["']?(?!#|data:)[^"'\s)]+""", text) == []
    assert "v1:abc" not in text


def test_a_secret_is_shown_as_one(several: Page) -> None:
    assert "dynamo-gke:hfToken: '[secret]'" in several.configuration


def test_marks_that_reorder_text_are_left_out(several: Page) -> None:
    from dataclasses import replace

    assert "\u202e" not in html(replace(several, summary="abc\u202edef"))


def test_a_label_has_no_markup() -> None:
    assert label('a"b', "<i>`@x`|]") == '"a#34;b<br>#60;i#62;#96;#64;x#96;#124;#93;"'


def test_the_flowchart_shows_the_way_of_a_request() -> None:
    lines = mermaid(pages.shipped("prod").environment).splitlines()
    assert 'pool0engine0["chat prefill<br>1 × 8 GPUs"]:::prefill' in lines
    assert 'pool0engine0 ==>|"KV cache, rdma"| pool1engine0' in lines
    assert lines.count("end") == sum(line.startswith("subgraph") for line in lines)


@pytest.mark.parametrize("stack", SHIPPED)
def test_a_flowchart_of_ours_only_draws(stack: str) -> None:
    assert only_draws(mermaid(pages.shipped(stack).environment))


def test_a_large_flowchart_fits_into_a_comment(several: Page) -> None:
    assert only_draws(mermaid(several.environment))


@pytest.mark.parametrize(
    "line",
    [
        'click client href "https://example.com"',
        '%%{init: {"securityLevel": "loose"}}%%',
        'client["<img src=x>"]',
        'client["`**bold**`"]',
        "```",
        "client --> endpoint; click client call f()",
        "classDef prefill fill:url(https://example.com)",
        "",
    ],
)
def test_anything_else_does_not_pass_as_a_flowchart(line: str) -> None:
    assert only_draws("\n".join(["flowchart LR", *CLASSES]))
    assert not only_draws("\n".join(["flowchart LR", line, *CLASSES]))


def test_a_flowchart_that_github_would_not_draw_does_not_pass() -> None:
    assert not only_draws("\n".join(["flowchart LR", *['a["b"]'] * 600]))
    assert not only_draws('flowchart LR\na["' + "b" * 50_000 + '"]')


def test_the_resources_have_the_names_that_violations_and_changes_have() -> None:
    page = pages.changed()
    assert page.changes
    changed = {change.title for change in page.changes.listed if change.kind != "deleted"}
    names = {cell for row in page.resources.rows for cell in row}
    assert len(changed) > 10
    assert changed - names == set()
    deleted = {change.title for change in page.changes.listed if change.kind == "deleted"}
    assert deleted & names == set()
    assert "Search what the stack has" in html(page)
    assert ("gcp NodePool", "decode-pool", "decode") in {row[:3] for row in page.resources.rows}


def test_a_letter_tells_each_of_many_deployments_apart_where_colors_repeat() -> None:
    worker = {"replicas": 1, "tensorParallel": 1}
    names = [f"of-{number}" for number in range(8)]
    small = {"model": "llama-3.1-8b-instruct", "layout": "aggregated", "worker": worker}
    text = html(pages.of({"models": dict.fromkeys(names, small)}))
    legend = re.findall(r'<i class="deployment of\d">(\w+)</i> ([\w-]+)', text)
    assert legend == list(zip("abcdefgh", names, strict=True))
    gpus = re.findall(r'of ([\w-]+)"><i aria-hidden="true">W<sub>(\w+)</sub></i></div>', text)
    assert sorted((letter, name) for name, letter in gpus) == legend
    assert "<sub>" not in html(pages.shipped("prod"))
    assert [mark(number) for number in (1, 26, 27, 52, 53, 702, 703)] == ["a", "z", "aa", "az", "ba", "zz", "aaa"]


def test_the_page_shows_changes_and_violations() -> None:
    page = pages.changed()
    assert page.changes
    assert {change.kind for change in page.changes.listed} >= {"created", "deleted", "updated"}
    text = html(page)
    assert escape(page.changes.verdict).replace("&#x27;", "&#39;") in text
    assert "no bucket" in text
    assert 'href="#changes"' in text
    assert "#changes" not in html(pages.shipped("prod"))
