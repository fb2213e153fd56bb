"""The two versions of Dynamo, the platform's (chart and operator) and the runtime's (images), and which pairs work."""

import re

# That the chart of 1.6.1 is published is unverified; 1.6.0 is, and its operator runs the same runtimes.
PLATFORM = "1.6.1"
# Brings vLLM 0.31.0. Command lines are written for this one.
RUNTIME = "1.6.1"

# Minor versions that an operator runs, by NVIDIA's rule: operator N runs runtimes N-2 to N+1.
OLDER, NEWER = 2, 1

_RELEASE = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def release(text: str) -> str:
    """The text, if it names one release as X.Y.Z. Raises ValueError with a sentence otherwise."""
    if _RELEASE.fullmatch(text):
        return text
    if _RELEASE.fullmatch(text.removeprefix("v")):
        raise ValueError(f"{text!r} has a v before the version; write {text.removeprefix('v')}")
    raise ValueError(
        f"{text!r} is no release X.Y.Z, such as {RUNTIME}; a moving tag would let two nodes run different engines, and "
        "the operator reads the runtime's version from the tag"
    )


def pair_fault(platform: str, runtime: str) -> str | None:
    """Why an operator does not run a runtime, or None when it does; both X.Y.Z."""
    (major, minor), (runtime_major, runtime_minor) = _minor(platform), _minor(runtime)
    oldest, newest = max(0, minor - OLDER), minor + NEWER
    if runtime_major == major and oldest <= runtime_minor <= newest:
        return None
    nearest = newest if (runtime_major, runtime_minor) > (major, minor) else oldest
    return (
        f"operator {platform} does not run runtime {runtime}: it runs {major}.{oldest} to {major}.{newest}, nearest "
        f"{major}.{nearest}; raise versions.platform first, versions.runtime after it"
    )


def _minor(version: str) -> tuple[int, int]:
    major, minor, _ = version.split(".")
    return int(major), int(minor)
