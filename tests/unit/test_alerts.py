"""Plan → alerts: which there are, of which graphs, and the page that each brings along."""

import re
from typing import Any

import pytest

from catalog import releases
from catalog.releases import newest_release
from manifests.alerts import Alert, LogCondition, MetricCondition, alerts
from tests.stacks import ROOT, planned

RUNBOOKS = ROOT / "docs" / "runbooks"

ALWAYS = {"model-not-listed", "slow-first-token"}
ON_GPUS = {"gpu-pods-pending", "gpu-xid"}
TRANSFERS = {"kv-transfer-failures", "kv-leases-expired"}
QWEN = {"model": "qwen3-32b", "layout": "multi-node"}

CASES: list[tuple[str, dict[str, Any], set[str]]] = [
    ("disaggregated on GPUs", {}, ALWAYS | ON_GPUS | TRANSFERS | {"prefill-idle"}),
    ("aggregated on GPUs", {"models.chat.layout": "aggregated"}, ALWAYS | ON_GPUS),
    ("simulated", {"models.chat.layout": "simulated"}, ALWAYS | {"prefill-idle"}),
]

NEWEST_RUNTIME = {"versions.runtime": newest_release()}

SEVERAL: dict[str, Any] = {
    "models": {
        "code": QWEN,
        "search": QWEN | {"layout": "aggregated"},
        "trial": QWEN | {"layout": "simulated"},
    }
}


@pytest.mark.parametrize(("changes", "wanted"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_only_what_can_happen_has_an_alert(changes: dict[str, Any], wanted: set[str]) -> None:
    assert {alert.name for alert in alerts(planned(changes))} == wanted


def query(name: str, changes: dict[str, Any]) -> str:
    (alert,) = [a for a in alerts(planned(changes)) if a.name == name]
    assert isinstance(alert.condition, MetricCondition)
    return alert.condition.query


def test_each_alert_is_of_the_graphs_that_it_can_happen_to() -> None:
    assert 'graph=~"code|trial"' in query("prefill-idle", SEVERAL)
    assert 'graph=~"code"' in query("kv-transfer-failures", SEVERAL)
    assert 'pod=~"code-prefill-.+|code-decode-.+|search-worker-.+"' in query("gpu-pods-pending", SEVERAL)
    silent = re.findall(r'absent\([^)]*graph="(\w+)"', query("model-not-listed", SEVERAL))
    assert silent == ["code", "search", "trial"]


def test_expired_leases_are_held_against_the_prompts_of_the_same_graph() -> None:
    expired, prefilled = query("kv-leases-expired", SEVERAL).split(" > on (graph) ")
    assert "rate(vllm:nixl_num_kv_expired_reqs_total{" in expired
    assert prefilled.startswith("0.02 * sum by (graph) (rate(dynamo_component_requests_total{")
    assert 'dynamo_component="prefill"' in prefilled
    assert 'graph=~"code"' in expired
    assert 'graph=~"code"' in prefilled


LATE = "kv-read-after-expiry"


@pytest.mark.parametrize("runtime", releases.known())
def test_what_counts_reads_after_expiry_has_the_alert(runtime: str) -> None:
    changes = SEVERAL | {"versions.runtime": runtime}
    assert (LATE in {alert.name for alert in alerts(planned(changes))}) is (runtime == "1.7.0")


def test_each_read_after_expiry_is_worth_the_alert() -> None:
    late = query(LATE, SEVERAL | NEWEST_RUNTIME)
    assert late.startswith("sum by (graph) (increase(vllm:nixl_num_notifications_after_expiry_total{")
    assert 'graph=~"code"' in late
    assert late.endswith("[10m])) > 0")


@pytest.mark.parametrize(
    "changes",
    [{"models.chat.layout": "aggregated"}, {"models.chat.layout": "simulated"}, {"models.chat.engine.name": "sglang"}],
)
def test_who_does_not_count_reads_after_expiry_has_no_alert(changes: dict[str, Any]) -> None:
    assert LATE not in {alert.name for alert in alerts(planned(changes | NEWEST_RUNTIME))}


def test_the_log_alert_is_of_this_cluster_only() -> None:
    (alert,) = [a for a in alerts(planned()) if a.name == "gpu-xid"]
    assert isinstance(alert.condition, LogCondition)
    assert '=~"^gke-dynamo-prod-"' in alert.condition.filter
    assert 'textPayload:"NVRM: Xid"' in alert.condition.filter


def every_alert() -> list[Alert]:
    return list(alerts(planned(NEWEST_RUNTIME)))


def test_this_stack_has_every_alert() -> None:
    """What the tests below walk: no other stack has one more."""
    names = {alert.name for alert in every_alert()}
    assert all(wanted <= names for _, _, wanted in CASES)


def test_each_alert_has_its_page_and_each_page_is_reached() -> None:
    pages = {page.stem for page in RUNBOOKS.glob("*.md")}
    named = {alert.name for alert in every_alert()}
    assert named <= pages
    causes = (RUNBOOKS.parent / "status.md").read_text(encoding="utf-8")
    assert all(f"runbooks/{page}.md" in causes for page in pages - named)


SECTIONS = ["What it means", "How to confirm", "Likely causes", "What to do"]


@pytest.mark.parametrize("alert", every_alert(), ids=lambda alert: alert.name)
def test_a_page_says_what_one_needs(alert: Alert) -> None:
    text = (RUNBOOKS / f"{alert.name}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {alert.name}: {alert.title}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS
    confirm = text.split("## How to confirm")[1].split("## Likely causes")[0]
    assert "```sh" in confirm
    causes = text.split("## Likely causes")[1].split("## What to do")[0]
    assert re.findall(r"^(\d+)\. ", causes, re.MULTILINE)[:2] == ["1", "2"]


@pytest.mark.parametrize("alert", every_alert(), ids=lambda alert: alert.name)
def test_a_notification_is_one_sentence_and_the_page(alert: Alert) -> None:
    sentence, page = alert.documentation.split("\n\n")
    assert re.fullmatch(r"[A-Z][^.]*(\d\.\d[^.]*)*\.", sentence)
    assert page == f"Runbook: docs/runbooks/{alert.name}.md"
    assert (ROOT / page.removeprefix("Runbook: ")).is_file()


def test_titles_differ() -> None:
    titles = [alert.title for alert in every_alert()]
    assert len(set(titles)) == len(titles)
