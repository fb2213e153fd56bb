"""The model swap of a rehearsal is one whose update finishes."""

import pytest

from ops.offline.dry_run import planned
from ops.rehearsal.engine import project, swap
from ops.rehearsal.engine.stack import RehearsedStack
from reading.errors import ConfigInvalid

RECREATE = "models.chat.updateStrategy=recreate"
FP8, LLAMA = "llama-3.3-70b-instruct-fp8", "llama-3.3-70b-instruct"


def given(*values: str, stack: str = "prod") -> swap.Swap:
    return swap.given(stack, (), values, planned(stack, ()))


def test_a_given_swap_is_set_as_it_is_given() -> None:
    found = given("models.chat.model=qwen3-32b", RECREATE)
    assert (found.graph, found.before, found.after, found.stops_all_first) == ("chat", LLAMA, "qwen3-32b", True)
    assert found.settings == {
        "dynamo-gke:models.chat.model": "qwen3-32b",
        "dynamo-gke:models.chat.updateStrategy": "recreate",
    }
    assert found.plan == planned("prod", ["models.chat.model=qwen3-32b", RECREATE])
    assert not given(f"models.chat.model={FP8}").stops_all_first


@pytest.mark.parametrize(
    ("setting", "kind"),
    [
        ("servedName=70", "string"),
        ("servedName=true", "string"),
        ("prefill.drainSeconds=400", "int"),
        ("engine.gpuMemoryUtilization=0.85", "float"),
        ("updateStrategy=recreate", "string"),
    ],
)
def test_a_swap_is_stored_with_the_type_that_its_plan_has(
    setting: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pulumi makes a number of the text 70, and text of the number 0.85, which the program refuses in the update."""
    run: list[tuple[str, ...]] = []
    monkeypatch.setattr(RehearsedStack, "cli", lambda _, *words: run.append(words))
    stack = object.__new__(RehearsedStack)
    for path, value in given("models.chat.model=qwen3-32b", f"models.chat.{setting}").settings.items():
        stack.set(path, value)
    path, _, value = setting.partition("=")
    key = f"dynamo-gke:models.chat.{path}"
    assert run[-1] == ("config", "set", "--path", "--type", kind, key, "--non-interactive", "--", value)


def test_a_swap_to_a_gated_model_gets_a_token() -> None:
    before = planned("dev", ())
    swapped = given("models.chat.model=llama-3.1-8b-instruct", stack="dev").plan
    assert project.tokens([before], has_secret=False) == []
    assert len(project.tokens([before, swapped], has_secret=False)) == 1
    assert len(project.tokens([before], has_secret=True)) == 1


@pytest.mark.parametrize(
    ("values", "error"),
    [
        (
            ["models.chat.model"],
            '--swap: "models.chat.model" must be path=value with a single value, no list or object',
        ),
        (
            ["models.chat.prefill={replicas: 2}"],
            '--swap: "models.chat.prefill={replicas: 2}" must be path=value with a',
        ),
        (
            ["models.chat.model=qwen3-32b", "models.chat.prefill=null"],
            '--swap: "models.chat.prefill=null" must be path',
        ),
        (["models..model=qwen3-32b"], '--swap: "models..model=qwen3-32b": the path has an empty part at "..model"; '),
        (["models.chat.engine.extraArgs[3]=x"], '--swap: "models.chat.engine.extraArgs[3]=x": the next index of the '),
        (["models.chat.engine.extraArgs="], '--swap: "models.chat.engine.extraArgs=" must be path=value with a single'),
        ([RECREATE], f"--swap: no graphs get another model, and chat has {LLAMA}; swap that of one graph, such as "),
        ([f"models.chat.model={LLAMA}"], f"--swap: no graphs get another model, and chat has {LLAMA}; swap that of "),
        (["models.chat.model=qwen9"], 'models.chat.model: "qwen9" is not one of '),
        (
            ["models.chat.model=qwen3-32b", "cluster.deletionProtection=false"],
            "--swap: cluster.deletionProtection is no setting of models.chat, whose model is swapped; change it with",
        ),
        (
            ['models["chat"].model=qwen3-0.6b', "models.chat.layout=simulated"],
            "--swap: qwen3-0.6b would change the node pools, which is more than a model swap; ./dynamo-gke diff shows",
        ),
    ],
)
def test_what_swaps_no_model_is_refused(values: list[str], error: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        given(*values)
    (found,) = refused.value.errors
    assert str(found).startswith(error)


@pytest.mark.parametrize(
    ("stack", "overrides", "after", "stops_all_first"),
    [
        ("prod", [], FP8, True),  # its eight engines would never fit beside the one of eight GPUs
        ("prod", [RECREATE], FP8, False),
        ("staging", [f"models.chat.model={LLAMA}"], FP8, True),  # decode may take GPUs that new prefill needs
        ("staging", [f"models.chat.model={LLAMA}", RECREATE], FP8, False),
        ("staging", [], "qwen3-32b", False),  # the nearest name is gated, and the stack has no token
    ],
)
def test_all_engines_stop_first_only_where_the_update_would_never_finish(
    stack: str, overrides: list[str], after: str, stops_all_first: bool
) -> None:
    found = swap.find(stack, overrides, planned(stack, overrides))
    assert found is not None
    assert (found.after, found.stops_all_first) == (after, stops_all_first)
    assert found.plan.graphs[0].card.name == after
    assert found.plan.pools == planned(stack, overrides).pools
