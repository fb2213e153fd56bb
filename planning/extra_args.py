"""Checks `extraArgs`, the words that a stack adds to the workers' command lines."""

from collections.abc import Iterator, Sequence

from catalog import flags, releases
from catalog.engines import Engine, flag_tables
from catalog.flags import classes, dynamo
from catalog.flags.argv import uses
from catalog.flags.given import Given, Workers
from catalog.flags.of_release import of_release
from reading.errors import Error, join, nearest
from reading.tokens import holds_token


def errors(
    paths: Sequence[str],
    engine: Engine,
    workers: Workers,
    given: Sequence[str],
    allowed_code: Sequence[str] = (),
    runtime: str | None = None,
) -> Iterator[Error]:
    """The errors of extra arguments. `paths` has the key path of each word of `given`.

    `allowed_code`: the flags of `engine.allowCode`, which a stack may set although they run third-party code.
    `runtime`: the version of the images, which may have fewer flags than the table; the default version if None.
    """
    if not given:  # skip reading the classes
        return
    if any(map(holds_token, given)):  # reported elsewhere, for any flag
        return
    if engine.flags is None:
        for block in dict.fromkeys(path.rpartition("[")[0] for path in paths):
            yield Error(
                block,
                f"{engine.title} has no table of flags, so no argument can be checked; remove the arguments, or add "
                f"{engine.name}.json and {engine.name}.yaml to catalog/engines/flags",
            )
        return
    found = [
        flags.ArgumentError(index, "has $, which Kubernetes reads as a variable's name; write the value itself")
        for index, word in enumerate(given)
        if "$(" in word or "$$" in word
    ]
    table = of_release(engine.flags, runtime or releases.dynamo().runtime)
    owned = classes.not_allowed(engine.flags, allowed_code) | dict(engine.owned_flags(workers))
    owned |= {flag: f"Dynamo {since} removed it; remove it" for flag, since in table.removed_in.items()}
    usable = engine.usable_values(workers)
    found += flags.errors(table, given, owned=owned, usable=usable, others=flag_tables())
    valid = Given(table, given, {error.index for error in found})
    found += classes.out_of_bounds(valid)
    found += dynamo.errors(valid, workers)
    found += engine.argument_errors(valid, workers)
    for error in found:
        yield Error(paths[error.index], error.message)


def code_errors(path: str, engine: Engine, given: Sequence[str], allowed: Sequence[str]) -> Iterator[Error]:
    """The errors of `engine.allowCode` at `path`. Each entry must name a flag of `given` that runs third-party code."""
    table = engine.flags if allowed else None
    known = classes.code_flags(table) if table else ()
    names = {found.name for use in uses(given) if table and (found := table.spellings.get(use.name))}
    for index, name in enumerate(allowed):
        if name not in known:
            flagged = f"; allowed: {', '.join(known)}" if known else ""
            yield Error(join(path, index), f"{name} is no flag that runs code{nearest(name, known)}{flagged}")
        elif name not in names:
            yield Error(join(path, index), f"{name} is in no extraArgs; remove it")


def warnings(engine: Engine, given: Sequence[str]) -> Iterator[str]:
    """Warnings about valid `extraArgs`."""
    if given and engine.flags:
        yield from engine.argument_warnings(Given(engine.flags, given))
