"""Flags that are meant by one that is spelt wrong."""

from collections.abc import Sequence

# Parts of a name shorter than this are no abbreviation that says which word is meant.
_SHORTEST_PART = 3


def meant(name: str, known: Sequence[str]) -> str | None:
    """The known flag that `name` spells wrong, abbreviates or breaks off; None rather than one that means another.

    Only long flags are proposed: what a short one stands for cannot be told from a misspelling.
    """
    bare = _bare(name)
    flags = {_bare(flag): flag for flag in known if flag.startswith("--")}
    if bare in flags:
        return flags[bare]
    # The parsers take a flag that is cut off where only one begins so: `--tp` for `--tp-size`.
    begun = [other for other in flags if other.startswith(bare)]
    if len(begun) == 1:
        return flags[begun[0]]
    distance, closest = min(((_distance(bare, other), other) for other in flags), default=(len(bare), ""))
    if distance <= min(2, len(bare) // 4):
        return flags[closest]
    alike = [other for other in flags if _abbreviates(bare, other) or _abbreviates(other, bare)]
    if not alike and "." in bare:  # the right key in the wrong group, or in none
        last = bare.rpartition(".")[2]
        alike = [other for other in flags if "." in other and other.rpartition(".")[2] == last]
    return flags[alike[0]] if len(alike) == 1 else None


def _bare(flag: str) -> str:
    return flag.lstrip("-").replace("_", "-").lower()


def _abbreviates(short: str, long: str) -> bool:
    """Whether each part of `short` is a part of `long`, in order, or letters of it; `long` may go on by one part."""
    parts, whole = short.split("-"), long.split("-")
    if not 0 <= len(whole) - len(parts) <= 1 or (len(whole) > len(parts) and len(parts) == 1):
        return False
    return all(part == word or _letters_of(part, word) for part, word in zip(parts, whole, strict=False))


def _letters_of(part: str, word: str) -> bool:
    rest = iter(word)
    return len(part) >= _SHORTEST_PART and part[0] == word[:1] and all(letter in rest for letter in part)


def _distance(one: str, other: str) -> int:
    """How many letters have to be added, taken out or changed."""
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        above, row[0] = row[0], i
        for j, theirs in enumerate(other, 1):
            above, row[j] = row[j], min(above + (letter != theirs), row[j] + 1, row[j - 1] + 1)
    return row[-1]
