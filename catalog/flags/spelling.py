"""Finds the flag that a misspelled one means."""

from collections.abc import Iterable, Sequence

# A shorter part of a name is too short to be an abbreviation of one word.
_SHORTEST_PART = 3


def meant(name: str, known: Sequence[str]) -> str | None:
    """The known flag that `name` misspells, abbreviates or truncates; None if in doubt.

    Proposes only long flags, because a misspelled short flag may mean any other.
    """
    bare = _bare(name)
    flags = {_bare(flag): flag for flag in known if flag.startswith("--")}
    if bare in flags:
        return flags[bare]
    # The parsers accept an unambiguous prefix of a flag: `--tp` for `--tp-size`.
    begun = [other for other in flags if other.startswith(bare)]
    found = _only(begun) or _closest(bare, flags) or _only(_alike(bare, flags))
    return flags[found] if found else None


def _only(found: Sequence[str]) -> str | None:
    return found[0] if len(found) == 1 else None


def _closest(bare: str, flags: Iterable[str]) -> str | None:
    """The flag with the fewest other letters, if they are few."""
    distance, closest = min(((_distance(bare, other), other) for other in flags), default=(len(bare), ""))
    return closest if distance <= min(2, len(bare) // 4) else None


def _alike(bare: str, flags: Iterable[str]) -> list[str]:
    """The flags that `bare` abbreviates or that abbreviate it; else those with the same key in another group."""
    alike = [other for other in flags if _abbreviates(bare, other) or _abbreviates(other, bare)]
    if alike or "." not in bare:
        return alike
    last = bare.rpartition(".")[2]
    return [other for other in flags if "." in other and other.rpartition(".")[2] == last]


def _bare(flag: str) -> str:
    return flag.lstrip("-").replace("_", "-").lower()


def _abbreviates(short: str, long: str) -> bool:
    """Whether the parts of `short` are parts of `long` or their letters, in order. `long` may have one part more."""
    parts, whole = short.split("-"), long.split("-")
    if not 0 <= len(whole) - len(parts) <= 1 or (len(whole) > len(parts) and len(parts) == 1):
        return False
    return all(part == word or _letters_of(part, word) for part, word in zip(parts, whole, strict=False))


def _letters_of(part: str, word: str) -> bool:
    rest = iter(word)
    return len(part) >= _SHORTEST_PART and part[0] == word[:1] and all(letter in rest for letter in part)


def _distance(one: str, other: str) -> int:
    """Edit distance: letters to add, remove or change."""
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        above, row[0] = row[0], i
        for j, theirs in enumerate(other, 1):
            above, row[j] = row[j], min(above + (letter != theirs), row[j] + 1, row[j - 1] + 1)
    return row[-1]
