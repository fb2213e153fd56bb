"""Versions of Dynamo's platform (chart and operator) and runtime (images), and the pairs that work together."""

import itertools
import re
from collections.abc import Iterator, Set

from catalog.releases import Minor, is_release, newest_of, newest_release, order
from catalog.releases import dynamo as dynamo
from catalog.releases import minor as minor
from catalog.releases import name as _name

_BEGINS_LIKE_ONE = re.compile(r"\s*[vV]?([0-9]{1,6})\.([0-9]{1,6})(?:\.([0-9]{1,6}))?")


def oldest_runtime() -> Minor:
    return minor(f"{dynamo().runtimes.oldest}.0")


def oldest_platform() -> Minor:
    major, number = oldest_runtime()
    return major, number - dynamo().runtimes.ahead


def runtimes(platform: str) -> tuple[Minor, Minor]:
    """The oldest and newest minor version of the runtime that an operator can run, whether or not this program can."""
    major, number = minor(platform)
    return (major, max(0, number - dynamo().runtimes.behind)), (major, number + dynamo().runtimes.ahead)


def errors(platform: str, runtime: str) -> Iterator[tuple[str, str]]:
    """Errors of the two versions: `platform` or `runtime`, and a sentence that ends with the version to set.

    Proposes only versions that fix the error and cause no other.
    """
    found = _problems(platform, runtime)
    for key, reason in found.items():
        fixes = _fixes(key, platform, runtime, found.keys() - {key})
        yield key, reason + (f"; {', or '.join(fixes)}" if fixes else "")


def _fixes(key: str, platform: str, runtime: str, others: Set[str]) -> list[str]:
    """The changes, in words, that leave no problems except those of `others`."""
    given = {"platform": platform, "runtime": runtime}

    def helps(changed: str, version: str) -> bool:
        return _problems(**(given | {changed: version})).keys() <= others

    if _usable(platform, oldest_platform()) and _usable(runtime, oldest_runtime()):
        return [words for changed, version, words in _pair_fixes(platform, runtime) if helps(changed, version)]
    usable = (version for version in _replacements(key, **given) if helps(key, version))
    return [f"use {version}" for version in itertools.islice(usable, 1)]


def _problems(platform: str, runtime: str) -> dict[str, str]:
    """Key → why its version cannot be used. A problem of the pair has the key `runtime`."""
    return _version_problems(platform, runtime) or _pair_problem(platform, runtime)


def _version_problems(platform: str, runtime: str) -> dict[str, str]:
    """Problems of each version alone."""
    found: dict[str, str] = {}
    for key, text, default in (("platform", platform, dynamo().platform), ("runtime", runtime, dynamo().runtime)):
        if not is_release(text):
            found[key] = (
                f"{text!r} is no release X.Y.Z, such as {default}: three numbers, no v before and nothing after them. "
                "A moving tag would let two nodes run different engines, and the operator reads the runtime's version "
                "from the tag"
            )
        elif order(text) > order(newest_release()):
            found[key] = (
                f"{text} is newer than {newest_release()}, the newest release in catalog/dynamo.yaml; what it changes "
                "is unknown"
            )
    if "platform" not in found and minor(platform) < oldest_platform():
        newest = _name(runtimes(platform)[1])
        found["platform"] = (
            f"operator {platform} runs no runtime newer than {newest}, and those before {_name(oldest_runtime())} need "
            "NATS, which is not installed"
        )
    if "runtime" not in found and minor(runtime) < oldest_runtime():
        found["runtime"] = (
            f"runtime {runtime} needs NATS, which is not installed; {_name(oldest_runtime())} is the first that does "
            "not"
        )
    return found


def _pair_problem(platform: str, runtime: str) -> dict[str, str]:
    """Problem of the pair, for two versions without problems alone."""
    oldest, newest = runtimes(platform)
    if oldest <= minor(runtime) <= newest:
        return {}
    amiss = "new" if minor(runtime) > newest else "old"
    runs = f"{_name(oldest)} to {_name(newest)}"
    return {"runtime": f"runtime {runtime} is too {amiss} for operator {platform}, which runs {runs}"}


def _usable(version: str, oldest: Minor) -> bool:
    """Whether a version has no error of its own, for any other version."""
    return is_release(version) and minor(version) >= oldest and order(version) <= order(newest_release())


def _replacements(key: str, platform: str, runtime: str) -> Iterator[str]:
    """Versions that may replace an unusable one, the nearest first."""
    text, other = (platform, runtime) if key == "platform" else (runtime, platform)
    if is_release(text):
        if order(text) > order(newest_release()):
            yield newest_release()
            if key == "runtime" and is_release(other):
                yield newest_of(runtimes(other)[1])
        elif key == "runtime" and is_release(other):
            yield _release(*max(runtimes(other)[0], oldest_runtime()))
    elif match := _BEGINS_LIKE_ONE.match(text):
        major, number = int(match[1]), int(match[2])
        yield f"{major}.{number}.{int(match[3])}" if match[3] else _release(major, number)
    yield dynamo().platform if key == "platform" else dynamo().runtime
    if is_release(other):  # an operator runs the runtime of its own minor version, unless that needs NATS
        yield _release(*minor(other))
        if key == "runtime":
            yield _release(*max(minor(other), oldest_runtime()))


def _pair_fixes(platform: str, runtime: str) -> Iterator[tuple[str, str, str]]:
    """Changes that turn two usable versions into a working pair: key, new version, and the words that propose it."""
    (oldest, newest), given = runtimes(platform), minor(runtime)
    if given > newest:
        nearest, first = _release(*newest), _release(given[0], max(0, given[1] - dynamo().runtimes.ahead))
        yield "runtime", nearest, f"set versions.runtime to {nearest}"
        yield (
            "platform",
            first,
            f"raise versions.platform to {first} first, one minor version at a time, then versions.runtime",
        )
    else:
        nearest, last = (
            _release(*max(oldest, oldest_runtime())),
            _release(given[0], given[1] + dynamo().runtimes.behind),
        )
        yield "runtime", nearest, f"raise versions.runtime to {nearest}"
        yield "platform", last, f"keep it and set versions.platform to {last}"


def _release(major: int, number: int) -> str:
    """A release of a minor version: the one that this program targets, else the first."""
    return dynamo().runtime if (major, number) == minor(dynamo().runtime) else f"{major}.{number}.0"
