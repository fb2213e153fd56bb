"""What must come of a command of Pulumi: each expectation says whether it was met, and what happened. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ops.rehearsal.engine import destroy_order
from ops.rehearsal.engine.events import Command, Step, is_resource, name_of, short, type_of, types_of
from policies import kinds

Outcome = tuple[bool, str]
Expectation = Callable[[Command], Outcome]

_SHOWN = 8
"""Resources that an outcome names before it counts the rest."""
_PATHS = 4
"""Properties of one resource that an outcome names."""
_GRAPHS_HAVE = ("dynamo-gke:workloads:ServingGraph$", "dynamo-gke:workloads:Verification$")
_MODELS_HAVE = (
    "dynamo-gke:workloads:Weights$",
    "dynamo-gke:workloads:RdmaClaims$",
    "dynamo-gke:workloads:WorkloadNamespace$kubernetes:core/v1:Secret",  # only gated models need the token
)
"""How the types in a URN begin: component, and what it has."""
_DONE = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}


def previewed(command: Command) -> Outcome:
    return command.ok, f"{command.count('create')} to create"


def done(command: Command) -> Outcome:
    """The command succeeded, whatever it changed."""
    return command.ok, counted(command)


def unchanged(command: Command) -> Outcome:
    if not command.ok:
        return False, "failed"
    if command.changes:
        return False, f"changed {listed([_changed(step) for step in command.changes])}"
    return True, "no change"


def agrees(command: Command) -> Outcome:
    """Another provider sees nothing to change in what the stand-in has created."""
    if not command.ok:
        return False, "failed"
    differ = len(differences(command))
    seen = len({step.urn for step in command.steps if is_resource(step.urn)})
    return not differ, f"{differ or 'none'} of {seen} resources differ{'s' if differ == 1 else ''}"


def differences(command: Command) -> list[str]:
    """What the command does with each resource that it changes, with all paths."""
    changes = (step for step in command.changes if is_resource(step.urn) and step.op in _DONE)
    return [f"{step.op} {short(step.urn)}: {', '.join(step.changed) or 'no property named'}" for step in changes]


def keeps(wanted: Mapping[tuple[str, str], int], now: Callable[[], Mapping[tuple[str, str], int]]) -> Expectation:
    """Changes nothing, and leaves replicas that something else has set. Both: namespace and name → replicas."""

    def expect(command: Command) -> Outcome:
        met, said = unchanged(command)
        back = sorted(key[1] for key, replicas in now().items() if wanted.get(key) != replicas)
        return (False, f"scaled {listed(back)} back") if met and back else (met, said)

    return expect


def one_graph(graph: str) -> Expectation:
    """Updates the graph, and changes nothing but what belongs to it or what a model brings with it."""

    def expect(command: Command) -> Outcome:
        touched = [step for step in command.changes if is_resource(step.urn)]
        others = [step for step in touched if not _may_change_with_the_model(graph, step.urn)]
        if command.ok and others:
            return False, f"also {listed([_changed(step) for step in others])}"
        updated = any(step.op == "update" and type_of(step.urn) == kinds.GRAPH for step in touched)
        return command.ok and updated, counted(command)

    return expect


def token_rotated(versions: Collection[str]) -> Expectation:
    """Stores another token and touches nothing else.

    `versions`: URNs of the secret versions that the stack keeps in Secret Manager, where a token is rotated by a new
    version; without any, the token changes in place.
    """
    rotated_by = "replace" if versions else "update"

    def expect(command: Command) -> Outcome:
        touched = [step for step in command.changes if is_resource(step.urn)]
        others = [step for step in touched if (step.urn not in versions if versions else step.op != "update")]
        if command.ok and others:
            return False, f"also {listed([_changed(step) for step in others])}"
        return command.ok and any(step.op == rotated_by for step in touched), counted(command)

    return expect


def fails_at(urn: Callable[[], str | None]) -> Expectation:
    """Fails because of the injected fault, which `urn` then names."""

    def expect(command: Command) -> Outcome:
        failed = urn()
        if not failed:
            return False, "created nothing whose URN has the text"
        return not command.ok, f"failed at {failed}" if not command.ok else f"succeeded, although {failed} failed"

    return expect


def refused(before: Collection[str], after: Callable[[], Collection[str]]) -> Expectation:
    """Stops at protected resources and deletes nothing. `before` and `after`: URNs of the state."""

    def expect(command: Command) -> Outcome:
        gone = sorted(set(before) - set(after()))
        if gone:
            return False, f"deleted {listed([short(urn) for urn in gone])}, although the stack is protected"
        if command.ok or not all("protected" in error for error in command.errors()):
            return False, "was not refused"
        return True, "refused, nothing deleted"

    return expect


def nothing_left(
    left_over: Callable[[], Sequence[str]], state: Sequence[Mapping[str, Any]], staying: Sequence[Mapping[str, Any]]
) -> Expectation:
    """Deletes all but what the program keeps, in an order that the engine must keep.

    `left_over`: a sentence for each thing that wrongly remains or is gone; `state`: the resources before; `staying`:
    those of them that the program keeps.
    """

    def expect(command: Command) -> Outcome:
        wrong = [*left_over(), *destroy_order.violations(command.steps, state)]
        if command.ok and wrong:
            return False, listed(wrong, "; ")
        return command.ok, _deleted(command, staying) if command.ok else "failed"

    return expect


def _deleted(command: Command, staying: Sequence[Mapping[str, Any]]) -> str:
    """For the engine, what the program keeps is deleted too: from its state."""
    gone = command.count("delete") - len(staying)
    names = sorted(short(each["urn"]) for each in staying)
    return f"{gone} deleted; kept: {', '.join(names)}" if staying else f"{gone} deleted, nothing left"


def counted(command: Command) -> str:
    """`2 created, 1 updated`, of the resources that providers have."""
    ops = [step.op for step in command.changes if is_resource(step.urn) and not step.failed]
    counts = {what: ops.count(op) for op, what in _DONE.items()}
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "no change"


def listed(found: Sequence[str], separator: str = ", ") -> str:
    rest = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"{separator.join(found[:_SHOWN])}{rest}"


def _changed(step: Step) -> str:
    paths = f" ({', '.join(step.changed[:_PATHS])})" if step.changed else ""
    return f"{step.op} {short(step.urn)}{paths}"


def _may_change_with_the_model(graph: str, urn: str) -> bool:
    """Whether a resource belongs to the graph, or is what models need: weights, NICs, a token."""
    types = types_of(urn)
    return types.startswith(_MODELS_HAVE) or (types.startswith(_GRAPHS_HAVE) and name_of(urn).startswith(f"{graph}-"))
