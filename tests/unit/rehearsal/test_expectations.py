"""Each expectation holds for what it expects, and fails for what would hide a lost or touched resource."""

import pytest

from ops.rehearsal.engine import expectations
from ops.rehearsal.engine.events import Command, Message, Step
from ops.rehearsal.engine.expectations import Expectation

_HEAD = "urn:pulumi:prod::dynamo-gke::dynamo-gke"
CHAT = f"{_HEAD}:workloads:ServingGraph$kubernetes:nvidia.com/v1beta1:DynamoGraphDeployment::chat-graph"
OTHER = f"{_HEAD}:workloads:ServingGraph$kubernetes:nvidia.com/v1beta1:DynamoGraphDeployment::other-graph"
LONGER = f"{_HEAD}:workloads:ServingGraph$kubernetes:nvidia.com/v1beta1:DynamoGraphDeployment::chat-eu-graph"
BUDGET = f"{_HEAD}:workloads:ServingGraph$kubernetes:policy/v1:PodDisruptionBudget::chat-frontends"
JOB = f"{_HEAD}:workloads:Verification$kubernetes:batch/v1:Job::chat-proof-job"
OTHERS_JOB = f"{_HEAD}:workloads:Verification$kubernetes:batch/v1:Job::other-proof-job"
WEIGHTS = f"{_HEAD}:workloads:Weights$kubernetes:batch/v1:Job::model-weights-qwen3-32b"
CLAIMS = f"{_HEAD}:workloads:RdmaClaims$kubernetes:resource.k8s.io/v1:ResourceClaimTemplate::claims-1"
ADDRESS = f"{_HEAD}:workloads:Endpoint$gcp:compute/address:Address::chat-endpoint-address"
VPC = f"{_HEAD}:infra:Network$gcp:compute/network:Network::network-vpc"
SECRET = f"{_HEAD}:workloads:WorkloadNamespace$kubernetes:core/v1:Secret::workloads-hf-token"
POOL = f"{_HEAD}:infra:GpuPool$gcp:container/nodePool:NodePool::decode-pool"
VERSION = f"{_HEAD}:workloads:SyncedToken$gcp:secretmanager/secretVersion:SecretVersion::token-version"
BUCKET = f"{_HEAD}:infra:WeightsBucket$gcp:storage/bucket:Bucket::weights-bucket"
STATE = [{"urn": CHAT, "dependencies": [POOL]}, {"urn": POOL}]
SCALED = {("chat", "decode"): 2}


def step(op: str, urn: str, *changed: str, failed: bool = False, at: float = 0) -> Step:
    return Step(op=op, urn=urn, began=at, ended=at + 1, failed=failed, changed=changed)


def command(*steps: Step, ok: bool = True, errors: tuple[str, ...] = (), of: tuple[str | None, ...] = ()) -> Command:
    """`errors`: texts of errors of a node pool; `of`: URNs of resources with an error each, None for the program."""
    said = (*((POOL, text) for text in errors), *((urn, "refused") for urn in of))
    messages = tuple(Message(severity="error", urn=urn, text=text) for urn, text in said)
    return Command(name="up", ok=ok, seconds=1, steps=steps, messages=messages)


ONE_GRAPH = expectations.only_graphs("chat", swaps=True)
AT_POOL = expectations.fails_at(lambda: POOL)
KEEPS = expectations.keeps(SCALED, lambda: SCALED)
MANY = tuple(f"labels.{number}" for number in range(12))
CASES: list[tuple[str, Expectation, Command, bool, str]] = [
    ("another provider agrees", expectations.agrees, command(step("same", CHAT)), True, "none of 1 resources differ"),
    (
        "another provider would replace",
        expectations.agrees,
        command(*(step(op, POOL, *MANY) for op in ("replace", "create-replacement", "delete-replaced"))),
        False,
        "1 of 1 resources differs",
    ),
    ("another provider fails", expectations.agrees, command(step("same", CHAT), ok=False), False, "failed"),
    ("nothing changed", expectations.unchanged, command(step("same", CHAT)), True, "no change"),
    (
        "something changed",
        expectations.unchanged,
        command(step("update", CHAT, "spec.components")),
        False,
        "changed update DynamoGraphDeployment chat-graph (spec.components)",
    ),
    (
        "a refresh that finds drift",
        expectations.unchanged,
        command(step("update", POOL, "nodeCount"), step("delete", BUCKET)),
        False,
        "changed update NodePool decode-pool (nodeCount), delete Bucket weights-bucket",
    ),
    ("a failed command changes nothing either", expectations.unchanged, command(ok=False), False, "failed"),
    (
        "one graph and its Job",
        ONE_GRAPH,
        command(step("update", CHAT), step("replace", JOB)),
        True,
        "1 updated, 1 replaced",
    ),
    (
        "one graph, its weights, its devices and its token",
        ONE_GRAPH,
        command(step("update", CHAT), step("create", WEIGHTS), step("create", CLAIMS), step("delete", SECRET)),
        True,
        "2 created, 1 updated, 1 deleted",
    ),
    ("a replaced graph", ONE_GRAPH, command(step("replace", CHAT)), False, "1 replaced"),
    (
        "its address too",
        ONE_GRAPH,
        command(step("update", CHAT), step("delete", ADDRESS)),
        False,
        "also delete Address chat-endpoint-address",
    ),
    (
        "a network too",
        ONE_GRAPH,
        command(step("update", CHAT), step("update", VPC, "mtu")),
        False,
        "also update Network network-vpc (mtu)",
    ),
    (
        "another graph's Job",
        ONE_GRAPH,
        command(step("update", CHAT), step("replace", OTHERS_JOB)),
        False,
        "also replace Job other-proof-job",
    ),
    (
        "another graph too",
        ONE_GRAPH,
        command(step("update", CHAT), step("update", OTHER)),
        False,
        "also update DynamoGraphDeployment other-graph",
    ),
    (
        "a graph whose name begins with its",
        ONE_GRAPH,
        command(step("update", CHAT), step("update", LONGER)),
        False,
        "also update DynamoGraphDeployment chat-eu-graph",
    ),
    ("only a graph whose name begins with its", ONE_GRAPH, command(step("update", LONGER)), False, "chat-eu-graph"),
    ("one of two graphs", expectations.only_graphs("chat", "other"), command(step("update", CHAT)), False, "1 updated"),
    ("a node pool too", ONE_GRAPH, command(step("update", CHAT), step("update", POOL)), False, "NodePool decode-pool"),
    ("no graph at all", ONE_GRAPH, command(step("replace", JOB)), False, "1 replaced"),
    (
        "a scaled role stays",
        KEEPS,
        command(step("update", CHAT), step("create", BUDGET), step("replace", JOB)),
        True,
        "1 created, 1 updated, 1 replaced",
    ),
    ("a scaled role of a graph that is not sent", KEEPS, command(), False, "no change"),
    ("a scaled role and a node pool", KEEPS, command(step("update", CHAT), step("update", POOL)), False, "NodePool"),
    ("a conflict about a scaled role", KEEPS, command(ok=False, of=(CHAT,)), False, "no change"),
    (
        "a role is scaled back",
        expectations.keeps(SCALED, lambda: {("chat", "decode"): 1}),
        command(step("update", CHAT)),
        False,
        "scaled decode of chat back",
    ),
    ("a secret in place", expectations.token_rotated([]), command(step("update", SECRET)), True, "1 updated"),
    (
        "a secret and the graph",
        expectations.token_rotated([]),
        command(step("update", SECRET), step("update", CHAT, "spec.components")),
        False,
        "also update DynamoGraphDeployment chat-graph (spec.components)",
    ),
    ("a token of the graph alone", expectations.token_rotated([]), command(step("update", CHAT)), False, "chat-graph"),
    (
        "a secret replaced",
        expectations.token_rotated([]),
        command(step("update", POOL), step("replace", SECRET)),
        False,
        "replace Secret workloads-hf-token",
    ),
    ("a token that changed nothing", expectations.token_rotated([]), command(), False, "no change"),
    (
        "a new version in Secret Manager",
        expectations.token_rotated([VERSION]),
        command(*(step(op, VERSION) for op in ("create-replacement", "replace", "delete-replaced"))),
        True,
        "1 replaced",
    ),
    (
        "a new version and a Job that reads it",
        expectations.token_rotated([VERSION]),
        command(step("replace", VERSION), step("update", JOB)),
        False,
        "also update Job chat-proof-job",
    ),
    (
        "a version that stays",
        expectations.token_rotated([VERSION]),
        command(step("update", VERSION)),
        False,
        "1 updated",
    ),
    ("the fault struck", AT_POOL, command(ok=False, of=(POOL,)), True, f"failed at {POOL}"),
    (
        "another resource failed beside it",
        AT_POOL,
        command(ok=False, of=(POOL, VPC)),
        False,
        "failed without an injected fault: Network network-vpc: refused",
    ),
    ("the program failed beside it", AT_POOL, command(ok=False, of=(POOL, None)), False, "fault: refused"),
    (
        "only another resource failed",
        AT_POOL,
        command(ok=False, of=(VPC,)),
        False,
        "failed elsewhere, although NodePool",
    ),
    (
        "the fault struck, and what waited for it was cut off",
        AT_POOL,
        command(step("create", VPC, failed=True), ok=False, of=(POOL,)),
        True,
        f"failed at {POOL}",
    ),
    ("the fault was survived", AT_POOL, command(), False, "succeeded, although"),
    ("the fault met nothing", expectations.fails_at(lambda: None), command(ok=False), False, "created nothing"),
    (
        "a refused destroy",
        expectations.refused([POOL], lambda: [POOL]),
        command(ok=False, errors=("NodePool cannot be deleted because it is protected",)),
        True,
        "refused, nothing deleted",
    ),
    (
        "a destroy that stops half-way",
        expectations.refused([POOL, CHAT], lambda: [POOL]),
        command(ok=False, errors=("it is protected",)),
        False,
        "deleted DynamoGraphDeployment chat-graph, although the stack is protected",
    ),
    (
        "a destroy that fails for another reason",
        expectations.refused([POOL], lambda: [POOL]),
        command(ok=False, errors=("no network",)),
        False,
        "was not refused",
    ),
    (
        "a clean destroy",
        expectations.nothing_left(lambda: [], STATE, []),
        command(step("delete", CHAT), step("delete", POOL, at=2)),
        True,
        "2 deleted, nothing left",
    ),
    (
        "a destroy that keeps the bucket",
        expectations.nothing_left(lambda: [], [*STATE, {"urn": BUCKET}], [{"urn": BUCKET}]),
        command(step("delete", CHAT), step("delete", POOL, at=2), step("delete", BUCKET, at=3)),
        True,
        "2 deleted; kept: Bucket weights-bucket",
    ),
    (
        "something is left",
        expectations.nothing_left(lambda: ["the cluster still has Secret hf-token"], STATE, []),
        command(step("delete", CHAT)),
        False,
        "the cluster still has Secret hf-token",
    ),
    (
        "the right order by chance",
        expectations.nothing_left(lambda: [], [{"urn": CHAT}, {"urn": POOL}], []),
        command(step("delete", CHAT), step("delete", POOL, at=2)),
        False,
        "GPU pool decode-pool may be deleted before graph chat-graph, which does not depend on it",
    ),
    (
        "the wrong order",
        expectations.nothing_left(lambda: [], STATE, []),
        command(step("delete", CHAT, at=2), step("delete", POOL)),
        False,
        "GPU pool decode-pool was being deleted before graph chat-graph was gone",
    ),
]


@pytest.mark.parametrize(("expect", "given", "met", "said"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_expectation(expect: Expectation, given: Command, met: bool, said: str) -> None:
    outcome = expect(given)
    assert outcome[0] is met
    assert said in outcome[1]


def test_many_changes_are_counted_after_the_first_ones() -> None:
    pools = [step("update", f"{POOL}{n}") for n in range(11)]
    assert expectations.unchanged(command(*pools))[1].endswith("NodePool decode-pool7 and 3 more")


def test_every_difference_is_named_with_all_its_paths() -> None:
    pools = [POOL.replace("decode", f"decode-{number}") for number in range(12)]
    seen = command(*(step("update", pool, *MANY) for pool in pools), step("delete", CHAT), step("same", OTHER))
    found = expectations.differences(seen)
    assert found[0] == f"update NodePool decode-0-pool: {', '.join(MANY)}"
    assert len(found) == len(pools) + 1
    assert found[-1] == "delete DynamoGraphDeployment chat-graph: no property named"
