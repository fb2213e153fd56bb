"""An update whose new engines never fit beside the old ones is named before it hangs, with what makes it finish."""

from dataclasses import dataclass

import pytest

from ops.changes.change import Kind
from ops.changes.comparison import compare
from ops.changes.previewed import Snapshot
from ops.changes.rollout import restarted
from ops.offline.dry_run import dry_run, planned
from policies.kinds import GRAPH

STUCK = "NEVER FINISH"
RECREATE = "models.chat.updateStrategy=recreate"
QWEN = "models.chat.model=qwen3-32b"
LLAMA = "models.chat.model=llama-3.3-70b-instruct"
FP8 = "models.chat.model=llama-3.3-70b-instruct-fp8"
SHORTER = "models.chat.engine.maxModelLen=16384"
SECOND = "models.talk={model: llama-3.3-70b-instruct, layout: multi-node}"
SETTING = "run `pulumi config set --path 'dynamo-gke:models.chat.updateStrategy' recreate` before the update"


def engines(role: str, replicas: int, gpus: int) -> str:
    return f"models.chat.{role}={{replicas: {replicas}, tensorParallel: {gpus}}}"


@dataclass(frozen=True)
class Case:
    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    stuck: tuple[str, ...] = ()
    """Parts of the sentence; none if the update finishes."""
    stack: str = "prod"


ONE = engines("prefill", 1, 8)
TWO = engines("decode", 2, 8)
CASES = [
    Case("one engine of 8 GPUs becomes eight on the same node", (), (QWEN,), (
        "prefill keeps 1 old engine of 8 GPUs until 7 new ones run, and pool prefill has 0 GPUs left for a new one "
        f"of 1; meanwhile neither generation has an engine of every role, so the graph does not serve; {SETTING}",
        "or keep the engines as they are: models.chat.prefill: {replicas: 1, tensorParallel: 8}")),
    Case("the same, all old engines first", (), (QWEN, RECREATE)),
    Case("the engines as they were", (), (FP8, ONE, engines("decode", 1, 8))),
    Case("one engine becomes two", (), (engines("decode", 2, 4),), ("decode keeps 1 old engine of 8 GPUs until a",)),
    Case("some of the new ones fit, and too few", (engines("prefill", 1, 4), QWEN), (engines("prefill", 8, 1), QWEN), (
        "prefill keeps 1 old engine of 4 GPUs until 7 new ones run, and pool prefill has 0 GPUs left",)),
    Case("two engines become three, and one must always run", (engines("decode", 2, 8),), (engines("decode", 4, 4),), (
        "decode keeps 2 old engines of 8 GPUs until 2 new ones run",)),
    Case("nothing but arguments", (), (SHORTER,)),
    Case("one leaves, and its node takes the first new one", (TWO,), (TWO, SHORTER)),
    Case("eight leave one by one, and the one that follows needs all their GPUs", (QWEN,), ()),
    Case("more engines of the same size", (), (engines("decode", 2, 8),)),
    Case("both roles share a node", (), (QWEN,), stack="staging"),
    Case("decode may take what prefill needs", (LLAMA,), (), (
        "THE UPDATE MAY NEVER FINISH, which depends on the engine that starts first: prefill keeps 2 old engines of "
        "2 GPUs until 2 new ones run, and pool shared has 0 GPUs left for a new one of 1", SETTING), stack="staging"),
    Case("the same, all old engines first", (LLAMA,), (RECREATE,), stack="staging"),
    Case("another graph has the rest of the pool", (SECOND,), (SECOND, QWEN), ("prefill keeps 1 old engine", SETTING)),
    Case("another graph does not help by all engines stopping", (SECOND,), (SECOND, QWEN, RECREATE)),
    Case("a graph that is gone holds its GPUs until the end", (SECOND,), (engines("decode", 2, 8), SHORTER), (
        "decode keeps 1 old engine of 8 GPUs until a new one runs", "; first delete talk in an update of its own")),
    Case("the same, and the engines do not fit afterwards either", (SECOND,), (QWEN,), (
        f"; first delete talk in an update of its own; then {SETTING}",)),
    Case("another graph, and none of the engines", (), (engines("decode", 2, 4), "models.chat.engine.name=sglang")),
    Case("another cluster has none of the old engines", (), (QWEN, "network.rdma=dranetAuto")),
    Case("other machines have none of the old engines", (), ("capacity.machine=a3-megagpu-8g", QWEN,
         "network.rdma=none", "models.chat.kvTransfer=tcp", "location.allowUnlisted=true")),
    Case("an autoscaler keeps its number", ("models.chat.autoscaling={decode: {min: 1, max: 2}}",),
         ("models.chat.autoscaling={decode: {min: 1, max: 2}}", "models.chat.decode.tensorParallel=4")),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rollout_says_whether_an_update_finishes(case: Case) -> None:
    said = [line for line in restarted(planned(case.stack, case.before), planned(case.stack, case.after))
            if STUCK in line]  # fmt: skip
    assert len(said) == bool(case.stuck)
    assert not said or "all workers restart" in said[0]
    assert [part for part in case.stuck if part not in said[0]] == []


@pytest.mark.parametrize(("after", "stuck"), [((QWEN,), True), ((QWEN, RECREATE), False), ((SHORTER,), False)])
def test_diff_says_it_too_and_asks_for_a_decision(after: tuple[str, ...], stuck: bool) -> None:
    before, head = (Snapshot.from_wire(dry_run("prod", overrides).to_wire()) for overrides in ((), after))
    (graph,) = [change for change in compare(before, head).of(Kind.UPDATED) if change.type == GRAPH]
    assert [STUCK in why for why in graph.fails] == [True] * stuck
    assert graph.guarded == stuck
    assert compare(before, head).rolling == ("chat",)
