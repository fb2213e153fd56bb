"""What must come of a command of Pulumi: each expectation says whether it was met, and what happened. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ops.rehearsal.engine import destroy_order
from ops.rehearsal.engine.events import Command, Step, is_resource, name_of, short, type_of, types_of
from policies import kinds

Outcome = tuple[bool, str]
Expectation = Callable[[Command], Outcome]
Replicas = Mapping[tuple[str, str], int]
"""Graph and role → number of engines."""

_SHOWN = 8
"""Resources that an outcome names before it counts the rest."""
_PATHS = 4
"""Properties of one resource that an outcome names."""
_OF_GRAPH = ("-graph", "-frontends", "-proof-job")
"""How the names end of what may change with a graph: itself, its PodDisruptionBudget, its verification."""
_MODELS_HAVE = (
    "dynamo-gke:workloads:Weights$",
    "dynamo-gke:workloads:RdmaClaims$",
    "dynamo-gke:workloads:WorkloadNamespace$kubernetes:core/v1:Secret",  # only gated models need the token
)
"""How the types in a URN begin of what models bring: component, and what it has."""
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


def keeps(wanted: Replicas, now: Callable[[], Replicas]) -> Expectation:
    """Updates the graphs of these roles and nothing else, and leaves the replicas that something else has set."""
    updates = only_graphs(*{graph for graph, _ in wanted})

    def expect(command: Command) -> Outcome:
        met, said = updates(command)
        if not met:
            return met, said
        found = now()
        back = sorted(f"{role} of {graph}" for graph, role in wanted if found[graph, role] != wanted[graph, role])
        return (False, f"scaled {listed(back)} back") if back else (True, said)

    return expect


def only_graphs(*graphs: str, swaps: bool = False) -> Expectation:
    """Updates each of the graphs, and changes nothing but what belongs to them or, if it swaps a model, what that
    brings with it."""

    def expect(command: Command) -> Outcome:
        touched = [step for step in command.changes if is_resource(step.urn)]
        others = [step for step in touched if not _belongs_to(graphs, step.urn)]
        others = [step for step in others if not (swaps and types_of(step.urn).startswith(_MODELS_HAVE))]
        if command.ok and others:
            return False, f"also {listed([_changed(step) for step in others])}"
        updated = {name_of(step.urn) for step in touched if step.op == "update" and type_of(step.urn) == kinds.GRAPH}
        return command.ok and updated == {f"{graph}-graph" for graph in graphs}, counted(command)

    return expect


def token_rotated(versions: Collection[str]) -> Expectation:
    """Stores another token and touches nothing else.

    `versions`: URNs of the secret versions that the stack keeps in Secret Manager, where a token is rotated by a new
    version; without any, the token changes in place.
    """
    rotated_by = "replace" if versions else "update"

    def rotates(step: Step) -> bool:
        return step.urn in versions if versions else (step.op, type_of(step.urn)) == (rotated_by, kinds.SECRET)

    def expect(command: Command) -> Outcome:
        touched = [step for step in command.changes if is_resource(step.urn)]
        others = [step for step in touched if not rotates(step)]
        if command.ok and others:
            return False, f"also {listed([_changed(step) for step in others])}"
        return command.ok and any(step.op == rotated_by for step in touched), counted(command)

    return expect


def fails_at(urn: Callable[[], str | None]) -> Expectation:
    """Fails because of the injected fault alone, at the creation that `urn` then names."""

    def expect(command: Command) -> Outcome:
        failed = urn()
        if not failed:
            return False, "created nothing whose URN has the text"
        why = not_failed_by([failed], command)
        return not why, why or f"failed at {failed}"

    return expect


def not_failed_by(struck: Collection[str], command: Command) -> str:
    """What is wrong with how the command failed; empty if it failed at each of these creations, and nowhere else.

    `struck`: URNs. Without any it must have succeeded. What only depends on them does not begin, and operations beside
    them end.
    """
    unnoticed = [short(urn) for urn in struck if command.ok or urn not in command.blamed]
    if unnoticed:
        return f"{'succeeded' if command.ok else 'failed elsewhere'}, although {listed(unnoticed)} failed"
    others = [error.partition("\n")[0] for error in command.errors(but=struck)]
    if not command.ok and (others or not struck):
        return f"failed without an injected fault: {listed(others, '; ')}"
    return ""


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


def _belongs_to(graphs: Collection[str], urn: str) -> bool:
    return name_of(urn) in {f"{graph}{end}" for graph in graphs for end in _OF_GRAPH}
