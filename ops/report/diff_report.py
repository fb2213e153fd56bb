"""A comparison with the base as text, as the comment of a pull request, and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ops.changes.change import Change, Comparison, InputChange, Kind, cost, few
from ops.changes.effects import Effect
from ops.offline.base_checkout import Base
from ops.report.plain import plain
from ops.report.quoted import quoted
from reading.errors import counted

# GitHub refuses a comment of more than 65,536 characters.
COMMENT_LIMIT = 64_000


def verdict(comparison: Comparison) -> str:
    """The changes counted by kind, and what they cost, in one line."""
    counts = [f"{len(found)} {kind}" for kind in Kind if (found := comparison.of(kind))]
    if comparison.weakened:
        counts.append(f"{len({weakening.policy for weakening in comparison.weakened})} policies weaker")
    if comparison.let_through:
        counts.append(f"{len(comparison.let_through)} violations of the base's policies pass")
    if comparison.judging_changed:
        counts.append("policy code changed")
    return ": ".join(filter(None, [", ".join(counts) or "no change", "; ".join(comparison.losses)]))


def judging(comparison: Comparison) -> list[str]:
    """Changes of verdicts that do not come from the policy configuration."""
    lines = [str(found) for found in comparison.let_through]
    if comparison.unjudged:
        lines.append(f"the base's policies could not evaluate this checkout: {plain(comparison.unjudged)}")
    if comparison.judging_changed:
        files = ", ".join(comparison.judging_changed)
        lines.append(
            f"policy code changed: {files}; a rule may now be weaker for resources that this stack does not have"
        )
    return lines


def configured(comparison: Comparison) -> list[str]:
    """Policies that are weaker than by default here and at the base."""
    reported = {(weakening.policy, weakening.now) for weakening in comparison.weakened}
    weak = [str(weakening) for weakening in comparison.weak if (weakening.policy, weakening.now) not in reported]
    return ["", "policy configuration of this stack, unchanged:", *(f"          {w}" for w in weak)] if weak else []


def effects(comparison: Comparison) -> list[str]:
    """The cost per hour, and the graphs whose workers restart."""
    before, after = comparison.cost_before, comparison.cost_after
    lines = [f"all workers of graph {name} restart (docs/upgrades.md)" for name in comparison.rolling]
    if comparison.not_compared:
        lines.append(
            f"not compared, because only one side knows the value before `pulumi up`: {few(comparison.not_compared)}; "
            "each comes from other resources on both sides, and changes only with these"
        )
    if before != after:
        gained = "" if before.usd is None or after.usd is None else f" ({after.usd - before.usd:+,.2f})"
        lines.append(f"cost per hour: {before} → {after}{gained}")
    return lines


def to_wire(stack: str, base: Base, comparison: Comparison) -> dict[str, Any]:
    return {
        "stack": stack,
        "base": {"ref": base.ref, "commit": base.commit, "note": base.note},
        "verdict": verdict(comparison),
        "losses": list(comparison.losses),
        "needsAllowReplace": [change.urn for change in comparison.guarded],
        "policies": {
            "weakened": [weakening.to_wire() for weakening in comparison.weakened],
            "weakerThanDefault": [weakening.to_wire() for weakening in comparison.weak],
            "letThrough": [found.to_wire() for found in comparison.let_through],
            "judgingChanged": list(comparison.judging_changed),
            "baseDidNotJudge": comparison.unjudged,
        },
        "rolling": list(comparison.rolling),
        "notCompared": list(comparison.not_compared),
        "costPerHour": {"before": comparison.cost_before.usd, "after": comparison.cost_after.usd},
        "costPerHourKnown": {"before": comparison.cost_before.known, "after": comparison.cost_after.known},
        "costPerHourUpperBound": {"before": comparison.cost_before.bound, "after": comparison.cost_after.bound},
        "changes": [
            {
                "change": change.kind.value,
                "urn": change.urn,
                "type": change.type,
                "name": change.name,
                "renamedFrom": change.renamed_from,
                "inputs": [
                    {
                        "path": i.path,
                        "before": i.before,
                        "after": i.after,
                        "forces": i.forces,
                        "effect": i.effect.value,
                        "why": i.why,
                    }
                    for i in change.inputs
                ],
                "because": list(change.because),
                "deletedFirst": change.deleted_first,
                "protected": change.protected,
                "cost": cost(change),
                "skips": change.skips,
                "fails": list(change.fails),
                "notes": list(change.notes),
            }
            for change in comparison.changes
        ],
    }


def to_text(stack: str, base: Base, comparison: Comparison, warnings: Sequence[str] = ()) -> str:
    """The whole comparison, followed by the warnings of this checkout's preview."""
    lines = [f"stack {stack} against {base.ref} ({base.commit[:12]}): {verdict(comparison)}"]
    lines += [f"note: {base.note}"] if base.note else []
    lines += [*map(str, comparison.weakened), *judging(comparison), *effects(comparison), *configured(comparison)]
    for change in comparison.changes:
        lines += ["", f"{change.kind.value:9} {change.type}  {change.name}"]
        lines += [f"          {line}" for line in told(change)]
    if warnings:
        lines += ["", "Warnings", *(f"  • {plain(warning)}" for warning in warnings)]
    return "\n".join(lines)


def to_markdown(stack: str, base: Base, comparison: Comparison, warnings: Sequence[str] = ()) -> str:
    """A comment for a pull request. The workflow finds it by its hidden first line and edits it in place."""
    return _comment(stack, to_text(stack, base, comparison, warnings))


def errors_markdown(stack: str, errors: Sequence[Mapping[str, str]]) -> str:
    """The comment for a pull request whose configuration does not load."""
    count = len(errors)
    listed = "\n".join(f"  {plain(error['path'])}: {plain(error['message'])}" for error in errors)
    return _comment(stack, f"{stack}: does not load, {counted(count, 'error')}\n{listed}")


def failures(comparison: Comparison, *, replacing_allowed: bool) -> str:
    """Why `diff` fails and what to do; empty when it succeeds."""
    if comparison.skipping:
        return "; ".join(change.skips for change in comparison.skipping) + "; no option allows this update"
    if comparison.guarded and not replacing_allowed:
        names = ", ".join(change.name for change in comparison.guarded)
        return (
            f"{names}: replaced, deleted, nodes recreated or released, or an update that fails; "
            "add --allow-replace if you want this"
        )
    if critical := sorted({weakening.policy for weakening in comparison.weakened if weakening.critical}):
        return (
            f"critical policies are weaker than at the base: {', '.join(critical)}; no option allows this, only a "
            "reviewer who may merge despite a failed check"
        )
    if passing := sorted({found.policy for found in comparison.let_through if found.critical}):
        return (
            f"critical policies of the base reject what this checkout creates: {', '.join(passing)}; no option allows "
            "this, only a reviewer who may merge despite a failed check"
        )
    if comparison.judging_failed:
        return "the base's policies could not evaluate this checkout; no option allows this"
    return ""


def _comment(stack: str, text: str) -> str:
    return f"<!-- dynamo-gke:diff:{stack} -->\n{quoted(text, COMMENT_LIMIT)}"


def told(change: Change) -> list[str]:
    """What a change loses, why, and its inputs, one line each."""
    return [*_details(change), *map(_input, change.inputs)]


def _details(change: Change) -> Iterator[str]:
    if loss := cost(change):
        yield loss
    yield from filter(None, [change.skips])
    yield from change.fails
    if change.because:
        order = (
            "deleted before the new one is created" if change.deleted_first else "created before the old one is deleted"
        )
        yield f"forced by {few(change.because)}; {order}"
    yield from change.notes
    if change.protected:
        yield "protected: `pulumi up` refuses until `protect` is removed"
    if change.renamed_from:
        yield f"renamed from {change.renamed_from.rpartition('::')[2]}"


def _input(change: InputChange) -> str:
    """One line: the values where both are known, then the effect of the change."""
    values = f"{change.path}: {change.before} → {change.after}" if change.before or change.after else change.path
    notes = ["forces replacement"] if change.forces else ["fails"] if change.effect is Effect.FAILS else []
    notes += [change.why] if change.why and change.effect is not Effect.FAILS else []
    return values + (f" ({'; '.join(notes)})" if notes else "")
