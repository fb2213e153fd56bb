"""The flag table of a module in one release of Dynamo, without flags and keys removed up to that release."""

from dataclasses import replace
from functools import cache

from catalog import releases
from catalog.flags.table import Table


@cache
def of_release(table: Table, release: str) -> Table:
    """The table without the flags and keys that dynamo.yaml lists as removed. New flags of a release are unknown."""
    removed = releases.removed_flags(release)
    gone = {
        spelling: (flag.deprecated or "", removed[flag.name])
        for spelling, flag in table.spellings.items()
        if flag.name in removed
    }
    keys = releases.removed_keys(release)
    return replace(
        table,
        flags={name: flag for name, flag in table.flags.items() if name not in removed},
        removed={**table.removed, **{spelling: instead for spelling, (instead, _) in gone.items()}},
        removed_in={spelling: since for spelling, (_, since) in gone.items()},
        objects={
            kind: {key: known for key, known in of.items() if key not in keys.get(kind, {})}
            for kind, of in table.objects.items()
        },
        removed_keys=keys,
    )
