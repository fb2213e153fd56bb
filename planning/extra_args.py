"""`engine.extraArgs`: words that a stack adds to the workers' command lines, and what they may say."""

from collections.abc import Iterator, Sequence

from catalog import flags
from catalog.flags import batch, classes, relations, simulated, speculation, values
from catalog.flags.given import Given, Workers
from reading.errors import Fault, join, nearest
from reading.tokens import holds_token


def faults(path: str, workers: Workers, given: Sequence[str], allowed_code: Sequence[str] = ()) -> Iterator[Fault]:
    """The errors of `extraArgs`, which is at `path`.

    `allowed_code` are the flags of `engine.allowCode`: a stack may give them although they run code of others.
    """
    if not given:  # nothing to read the classes for
        return
    if any(map(holds_token, given)):  # an error of its own, whatever flag it is given to
        return
    found = [
        flags.ArgumentFault(index, "has $, which Kubernetes reads as a variable's name; write the value itself")
        for index, word in enumerate(given)
        if "$(" in word or "$$" in word
    ]
    runs_vllm = workers.module == "dynamo.vllm"
    usable = values.usable(workers) if runs_vllm else None
    owned = classes.not_allowed(workers.module, allowed_code) | (values.owned(workers) if runs_vllm else {})
    found += flags.faults(workers.module, given, owned, usable)
    valid = Given(workers.module, given, {fault.index for fault in found})
    if not runs_vllm:
        found += simulated.errors(valid)
    else:
        for rules in (values, relations, speculation, batch):
            found += rules.errors(valid, workers)
    for fault in found:
        yield Fault(join(path, fault.index), fault.message)


def code_faults(path: str, module: str, given: Sequence[str], allowed: Sequence[str]) -> Iterator[Fault]:
    """The errors of `engine.allowCode`, which is at `path`: each entry names a flag of `given` that runs code."""
    known = classes.code_flags(module) if allowed else ()
    names = {found.name for use in flags.uses(given) if (found := flags.flag(module, use.name))}
    for index, name in enumerate(allowed):
        if name not in known:
            flagged = f"; allowed: {', '.join(known)}" if known else ""
            yield Fault(join(path, index), f"{name} is no flag that runs code{nearest(name, known)}{flagged}")
        elif name not in names:
            yield Fault(join(path, index), f"{name} is not in engine.extraArgs; take it out")


def words(given: Sequence[str]) -> tuple[str, ...]:
    """The words as they are rendered: flag and value apart, since the operator reads `--flag value` only."""
    return tuple(part for word in given for part in (word.split("=", 1) if flags.is_flag(word) else [word]))
