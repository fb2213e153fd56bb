"""Dynamo's known releases, their contents, and the changes between minor versions."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from reading import entries
from reading.frozen import Frozen

Minor = tuple[int, int]

# ASCII digits, because image tags allow no others; no leading zero, because 1.06.1 is a different tag than 1.6.1.
_NUMBER = "(0|[1-9][0-9]{0,5})"
_RELEASE = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}")


class Pins(Frozen):
    """Versions of one engine's image."""

    version: str
    nixl: str


class _MinorVersion(Frozen):
    """A minor version of the runtime. dynamo.yaml explains each key."""

    releases: list[str]
    ucx: str
    engines: dict[str, Pins]
    ignored_flags: list[str] = []
    removed_flags: list[str] = []
    removed_keys: dict[str, list[str]] = {}
    added_metrics: list[str] = []
    worker_environment: dict[str, str] = {}


class _Runtimes(Frozen):
    behind: int
    ahead: int
    oldest: str


class _Dynamo(Frozen):
    """Content of dynamo.yaml, which explains each key."""

    name: str
    platform: str
    runtime: str
    oldest_driver: str
    runtimes: _Runtimes
    minors: dict[str, _MinorVersion]


@cache
def dynamo() -> _Dynamo:
    return entries.entry(_Dynamo, Path(__file__).parent, "dynamo")


def is_release(text: str) -> bool:
    """Whether a text has the form of a release, X.Y.Z."""
    return bool(_RELEASE.fullmatch(text))


def minor(version: str) -> Minor:
    """(1, 6) of 1.6.1. Raises ValueError for text that is no release X.Y.Z."""
    major, number, _ = version.split(".")
    return int(major), int(number)


def name(version: Minor) -> str:
    return f"{version[0]}.{version[1]}"


def order(version: str) -> tuple[int, ...]:
    """The numbers of a release X.Y.Z, which compare as versions do."""
    return tuple(map(int, version.split(".")))


@cache
def known() -> tuple[str, ...]:
    """Every known release, oldest first."""
    return tuple(sorted((each for of in dynamo().minors.values() for each in of.releases), key=order))


def newest_release() -> str:
    return known()[-1]


def newest_of(version: Minor) -> str:
    """The newest known release of a minor version; X.Y.0 if none is known."""
    found = dynamo().minors.get(name(version))
    return found.releases[-1] if found else f"{name(version)}.0"


def pins(release: str) -> Mapping[str, Pins]:
    """Engine → its versions in a release; empty if the minor version is unknown."""
    found = dynamo().minors.get(name(minor(release)))
    return found.engines if found else {}


def ucx(release: str) -> str | None:
    """The minor version of UCX in a release's images; None if unknown."""
    found = dynamo().minors.get(name(minor(release)))
    return found.ucx if found else None


def ignored_flags(release: str) -> frozenset[str]:
    """Flags that the release accepts and ignores."""
    found = dynamo().minors.get(name(minor(release)))
    return frozenset(found.ignored_flags if found else ())


def removed_flags(release: str) -> Mapping[str, str]:
    """Flag that the release no longer has → the minor version that removed it."""
    return {flag: at for at, of in _until(release) for flag in of.removed_flags}


def removed_keys(release: str) -> Mapping[str, Mapping[str, str]]:
    """Class of a JSON object → key that the release no longer accepts → the minor version that removed it."""
    found: dict[str, dict[str, str]] = {}
    for at, of in _until(release):
        for kind, keys in of.removed_keys.items():
            found.setdefault(kind, {}).update(dict.fromkeys(keys, at))
    return found


def has_metric(release: str, metric: str) -> bool:
    """Whether the release has a metric. False only if a later minor version added it."""
    since = next((at for at, of in dynamo().minors.items() if metric in of.added_metrics), None)
    return since is None or minor(release) >= _numbers(since)


def worker_environment(release: str) -> Mapping[str, str]:
    """Variables that every worker of the release gets."""
    return {variable: value for _, of in _until(release) for variable, value in of.worker_environment.items()}


def steps(was: str, becomes: str) -> tuple[str, ...]:
    """The releases to install in order if a change skips minor versions, up or down; empty if it skips none.

    NVIDIA supports a change within a minor version, or to the next or the previous one.
    """
    (major, first), (other, last) = minor(was), minor(becomes)
    if major != other or abs(last - first) <= 1:
        return ()
    direction = 1 if last > first else -1
    between = (newest_of((major, number)) for number in range(first + direction, last, direction))
    return (*between, becomes)


def _until(release: str) -> Iterator[tuple[str, _MinorVersion]]:
    """The minor versions up to that of a release, oldest first."""
    return ((at, of) for at, of in dynamo().minors.items() if _numbers(at) <= minor(release))


@cache
def _numbers(minor_version: str) -> Minor:
    major, number = map(int, minor_version.split("."))
    return major, number
