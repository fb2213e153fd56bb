"""What is known of each release of Dynamo, and what follows: flags, variables, warnings, and steps of upgrades."""

import re
from itertools import pairwise
from typing import Any

import pytest

from catalog import flags, releases
from catalog.defaults import defaults
from catalog.engines import all_engines, engine
from catalog.flags.frontend import frontend_flags
from catalog.flags.of_release import of_release
from manifests.graph import build
from ops.changes.comparison import compare
from ops.changes.previewed import Registered
from ops.report.diff_report import failures
from policies import kinds
from policies.program_values import variables
from tests.snapshots import one, only, stack
from tests.stacks import ROOT, errors, planned

MINORS = releases.dynamo().minors
OLD, NEW = ("1.6.0", "1.6.1", "1.6.2"), "1.7.0"


def test_minor_versions_follow_each_other_and_hold_their_releases() -> None:
    numbers = [releases.minor(f"{name}.0") for name in MINORS]
    assert all(after == (before[0], before[1] + 1) for before, after in pairwise(numbers))
    for name, of in MINORS.items():
        assert of.releases == sorted(of.releases, key=releases.order)
        assert all(releases.name(releases.minor(release)) == name for release in of.releases)
    assert {releases.dynamo().platform, releases.dynamo().runtime} <= set(releases.known())


def test_every_release_names_the_same_engines() -> None:
    """A name with a typo would pin nothing."""
    gpus = {name for name, each in all_engines().items() if not each.simulated}
    ours = releases.pins(releases.dynamo().runtime).keys()
    assert defaults().engine in ours <= gpus
    for release in releases.known():
        assert releases.pins(release).keys() == ours
        assert releases.ucx(release)


def test_what_is_removed_is_in_a_table_and_was_deprecated_before() -> None:
    """A name with a typo would remove nothing."""
    for of in MINORS.values():
        for flag in of.removed_flags:
            assert frontend_flags().flags[flag].deprecated, flag
        for kind, keys in of.removed_keys.items():
            holders = [e.flags for e in all_engines().values() if e.flags and kind in e.flags.objects]
            assert holders
            assert all(set(keys) <= set(table.objects[kind]) for table in holders)
        counters = [e.metrics.transfer.after_expiry for e in all_engines().values() if e.metrics.transfer]
        assert set(of.added_metrics) <= set(counters)


def test_the_page_on_engines_has_the_versions_of_the_default() -> None:
    page = (ROOT / "docs/engines.md").read_text(encoding="utf-8")
    cells = next(line for line in page.splitlines() if line.startswith("| version in Dynamo")).split(" | ")
    runtime, pins = releases.dynamo().runtime, releases.pins(releases.dynamo().runtime)
    assert cells[0].startswith(f"| version in Dynamo {runtime} ")
    assert [cell.strip(" |") for cell in cells[1:]] == [pins[name].version for name in ("vllm", "sglang", "trtllm")]


ROUTER_FLAGS = [
    ("--load-aware",),
    ("--no-load-aware",),
    ("--router-queue-threshold", "0.5"),
    ("--router-queue-policy", "fcfs"),
    ("--router-prefill-policy", "x"),
    ("--router-decode-policy", "x"),
    ("--router-kv-overlap-score-credit", "1"),
    ("--router-temperature", "0"),
    ("--kv-overlap-score-weight", "1"),
]


@pytest.mark.parametrize("name", ["vllm", "sglang", "trtllm"])
@pytest.mark.parametrize("words", ROUTER_FLAGS, ids=[words[0] for words in ROUTER_FLAGS])
def test_a_flag_that_is_removed_is_refused_by_the_runtime_that_removed_it(name: str, words: tuple[str, ...]) -> None:
    def told(runtime: str) -> str:
        given = {"models.chat.engine": {"name": name, "extraArgs": list(words)}, "versions.runtime": runtime}
        found = [error for error in errors(given) if error.path == "models.chat.engine.extraArgs[0]"]
        return found[0].message

    assert told(NEW) == f"{words[0]} is not set here: Dynamo 1.7 removed it; remove it"
    for runtime in OLD:
        assert "1.7" not in told(runtime)


def test_a_line_of_the_frontend_has_no_removed_flag_either() -> None:
    line = ("--router-mode", "kv", "--router-temperature", "1")
    (old,) = flags.errors(of_release(frontend_flags(), "1.6.2"), line)
    assert old.message.startswith("--router-temperature is deprecated; use ")
    (new,) = flags.errors(of_release(frontend_flags(), NEW), line)
    assert new.message.startswith("--router-temperature is gone from Dynamo 1.7 on; use router_temperature in ")


@pytest.mark.parametrize(
    ("key", "value"), [("kv_buffer_size", "1e9"), ("kv_rank", "0"), ("kv_parallel_size", "2"), ("kv_ip", '"10.0.0.1"')]
)
def test_keys_of_the_transfer_that_are_removed(key: str, value: str) -> None:
    table = engine("vllm").flags
    assert table
    config = f'{{"kv_connector": "NixlConnector", "kv_role": "kv_producer", "{key}": {value}}}'
    line = ("--kv-transfer-config", config)
    for runtime in OLD:
        assert flags.errors(of_release(table, runtime), line) == []
    (error,) = flags.errors(of_release(table, NEW), line)
    assert error.message == f"--kv-transfer-config: {key} is gone from Dynamo 1.7 on; remove it"


GATE = {
    "DYN_BACKEND_ADMISSION_ENGINE_REQUEST_LIMIT": "10000",
    "DYN_BACKEND_ADMISSION_ENGINE_REQUEST_WAITING_LIMIT": "10000",
    "DYN_BACKEND_ADMISSION_REQUEST_QUEUE_LIMIT": "0",
}


@pytest.mark.parametrize("layout", ["multi-node", "aggregated", "simulated"])
@pytest.mark.parametrize("runtime", releases.known())
def test_the_gate_of_workers_is_set_where_there_is_one(runtime: str, layout: str) -> None:
    plan = planned({"versions.runtime": runtime, "models.chat.layout": layout})
    frontend, *workers = build(plan.graphs[0], {}).spec.components

    def gate(component: Any) -> dict[str, str]:
        env = component.pod_template.spec.containers[0].env
        return {each.name: each.value for each in env if each.name.startswith("DYN_BACKEND_ADMISSION")}

    assert gate(frontend) == {}
    for worker in workers:
        assert gate(worker) == (GATE if runtime == NEW else {})


def test_policies_know_the_gate_of_workers() -> None:
    for each in all_engines().values():
        assert set(GATE) <= variables(each).keys()


WARNED = [
    # platform, runtime, and how each warning about versions begins
    ("1.6.1", "1.6.1", []),
    ("1.6.1", "1.6.2", []),
    ("1.6.2", "1.6.2", ["versions.platform: only 1.6.1 is tested here"]),
    ("1.6.1", "1.6.3", ["versions.runtime: 1.6.3 is not one of the releases in catalog/dynamo.yaml"]),
    ("1.6.1", "1.7.0", ["versions.runtime: command lines are written for 1.6.1",
                        "versions.runtime: 1.7.0 contains vLLM 0.33.0 with NIXL 1.5.0 and UCX 1.22; flags, values, "
                        "memory and metrics were checked against vLLM 0.31.0 with NIXL 1.4.1 and UCX 1.21"]),
    ("1.6.1", "1.5.1", ["versions.runtime: command lines are written for 1.6.1",
                        "versions.runtime: 1.5.1 contains vLLM 0.28.0"]),
]  # fmt: skip


@pytest.mark.parametrize(("platform", "runtime", "begin"), WARNED, ids=[f"{w[0]}-{w[1]}" for w in WARNED])
def test_what_was_checked_against_other_versions_says_so(platform: str, runtime: str, begin: list[str]) -> None:
    plan = planned({"versions": {"platform": platform, "runtime": runtime}})
    found = [warning for warning in plan.warnings if warning.startswith("versions.")]
    assert len(found) == len(begin)
    assert all(warning.startswith(words) for warning, words in zip(found, begin, strict=True))


def test_an_engine_without_versions_is_said_to_be_unverified(monkeypatch: pytest.MonkeyPatch) -> None:
    known = releases.pins
    monkeypatch.setattr(releases, "pins", lambda release: {k: v for k, v in known(release).items() if k != "vllm"})
    assert not [each for each in planned().warnings if each.startswith("versions.runtime")]
    (_, warning) = [w for w in planned({"versions.runtime": NEW}).warnings if w.startswith("versions.runtime")]
    assert warning.startswith("versions.runtime: unverified which vLLM 1.7.0 contains")


def test_each_engine_of_the_stack_is_named_once() -> None:
    model = {"model": "qwen3-0.6b", "layout": "aggregated"}
    models = {name: model | {"engine": {"name": kind}} for name, kind in
              (("a", "vllm"), ("b", "sglang"), ("c", "trtllm"), ("d", "vllm"))}  # fmt: skip
    warned = planned({"models": models, "versions.runtime": NEW}).warnings
    contains = [re.findall(r"contains ([\w-]+) ([\w.]+)", warning) for warning in warned]
    assert [each[0] for each in contains if each] == [
        ("vLLM", "0.33.0"),
        ("SGLang", "0.5.23"),
        ("TensorRT-LLM", "1.4.0rc2"),
    ]


@pytest.mark.parametrize("name", ["vllm", "sglang", "trtllm"])
@pytest.mark.parametrize("where", ["engine", "prefill"])
def test_a_flag_that_a_release_ignores_is_told(name: str, where: str) -> None:
    engine_args = {"models.chat.engine": {"name": name, "extraArgs": ["--engine-request-limit=64"]}}
    role_args = {"models.chat.engine.name": name, "models.chat.prefill.extraArgs": ["--engine-request-limit", "64"]}
    given = engine_args if where == "engine" else role_args

    def told(runtime: str) -> list[str]:
        warnings = planned(given | {"versions.runtime": runtime}).warnings
        return [warning for warning in warnings if "--engine-request-limit" in warning]

    for runtime in OLD:
        assert told(runtime) == [
            f"models.chat.{where}.extraArgs: --engine-request-limit has no effect, because Dynamo {runtime} ignores "
            "it; remove it"
        ]
    assert told(NEW) == []


STEPS = [
    ("1.6.1", "1.6.1", ()),
    ("1.6.0", "1.6.2", ()),
    ("1.6.2", "1.7.0", ()),
    ("1.7.0", "1.6.1", ()),
    ("1.5.0", "1.7.0", ("1.6.2", "1.7.0")),
    ("1.4.0", "1.7.0", ("1.5.1", "1.6.2", "1.7.0")),
    ("1.7.0", "1.5.1", ("1.6.2", "1.5.1")),
    ("1.3.0", "1.5.0", ("1.4.2", "1.5.0")),
    ("1.2.0", "1.4.2", ("1.3.0", "1.4.2")),
]


@pytest.mark.parametrize(("was", "becomes", "steps"), STEPS)
def test_an_upgrade_goes_one_minor_version_at_a_time(was: str, becomes: str, steps: tuple[str, ...]) -> None:
    assert releases.steps(was, becomes) == steps
    for before, after in pairwise((was, *steps)):
        assert releases.steps(before, after) == ()


def chart(version: str) -> Registered:
    return one(kinds.RELEASE, {"name": "dynamo-platform", "version": version}, "dynamo-platform")


@pytest.mark.parametrize(("was", "becomes", "steps"), STEPS)
def test_diff_refuses_a_jump_of_the_platform_whatever_is_allowed(
    was: str, becomes: str, steps: tuple[str, ...]
) -> None:
    found = compare(stack(chart(was)), stack(chart(becomes)))
    for allowed in (False, True):
        said = failures(found, replacing_allowed=allowed)
        if not steps:
            assert said == ""
            continue
        assert f"from {was} to {becomes} skips minor versions" in said
        assert f"set {', then '.join(steps)}, each with an update of its own" in said
        assert said.endswith("no option allows this update")


def test_a_chart_that_is_new_or_deleted_skips_nothing() -> None:
    for before, after in ((stack(), stack(chart("1.7.0"))), (stack(chart("1.4.0")), stack())):
        assert failures(compare(before, after), replacing_allowed=False) == ""


def graph(runtime: str) -> Registered:
    main = {"name": "main", "image": f"registry.example.com/runtime:{runtime}"}
    component = {"name": "frontend", "type": "frontend", "podTemplate": {"spec": {"containers": [main]}}}
    return one(kinds.GRAPH, {"metadata": {"name": "chat"}, "spec": {"components": [component]}}, "chat")


def test_a_jump_of_the_runtime_is_noted() -> None:
    found = compare(stack(graph("1.4.2")), stack(graph("1.6.1")))
    (note,) = only(found).notes
    assert note.startswith("versions.runtime: from 1.4.2 to 1.6.1 skips minor versions")
    assert failures(found, replacing_allowed=False) == ""
    assert only(compare(stack(graph("1.6.1")), stack(graph("1.7.0")))).notes == ()
