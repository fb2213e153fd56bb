"""`versions`: Dynamo's operator and images, and where the operator's chart is fetched."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from catalog import versions
from reading.errors import shown
from reading.frozen import Frozen

_SCHEMES = ("https", "http", "oci")
_FOLDERS = ("", ".", "..")
"""First parts of a path, which tell a folder from a mistyped URL."""


def _charts(given: str) -> str:
    """A location of charts without a closing slash. Raises ValueError, which never repeats credentials."""
    scheme, is_url, _ = given.partition("://")
    is_folder = not is_url and given.partition("/")[0] in _FOLDERS
    if "@" in given and not is_folder:
        raise ValueError(
            "contains @. Credentials would be visible to everyone who reads the stack file or the state, and a digest "
            "would contradict versions.platform. Remove it; to log in to a registry, run `helm registry login HOST` "
            "where Pulumi runs"
        )
    if not given or not given.isprintable() or "\\" in given:
        raise ValueError(f"{shown(given)} is empty, or contains a backslash or a control character")
    if is_folder:
        return _without_file(given)
    if not is_url:
        raise ValueError(f"{shown(given)} is neither a folder nor a URL; did you mean {_likely(given)}?")
    if " " in given:
        raise ValueError(f"{shown(given)} contains a space")
    if scheme not in _SCHEMES:
        raise ValueError(_unknown_scheme(scheme, given))
    if set(given) & {"?", "#"}:
        raise ValueError("contains a query or a fragment (? or #), but a file name is added to it; remove it")
    _check_host(given)
    return _without_file(given)


def _likely(given: str) -> str:
    """What a location without a scheme, or that does not begin like a path, may stand for."""
    first = given.partition("/")[0]
    if first.startswith("~"):
        return f"/home/…{given[len(first) :]} (~ is not expanded)"
    return f"oci://{given}" if "." in first or ":" in first else f"./{given}"


def _unknown_scheme(scheme: str, given: str) -> str:
    if scheme.lower() in _SCHEMES:
        return f"the scheme {scheme} must be in lower case: {scheme.lower()}://"
    if scheme.lower() == "file":
        return f"{shown(given)} is a file URL; write the folder's path, such as ./charts"
    return f"the scheme {shown(scheme)} is not one of {', '.join(_SCHEMES)}, and Helm fetches no other"


def _check_host(given: str) -> None:
    try:
        parts = urlsplit(given)
        host, _ = parts.hostname, parts.port
    except ValueError as invalid:
        raise ValueError(f"{shown(given)} is not a valid URL: {invalid}") from None
    if not host:
        raise ValueError(f"{shown(given)} names no host, as https://charts.example.com/dynamo does")


def _without_file(given: str) -> str:
    """The location without a closing slash. Raises ValueError for the location of a file."""
    folder, _, last = given.rpartition("/")
    if last.endswith((".tgz", ".tar.gz")):
        raise ValueError(f"{shown(given)} is a file; use {folder or '/'}: versions.platform says which chart to take")
    return given.rstrip("/") or "/"


ChartsLocation = Annotated[
    str,
    Field(
        description="a folder, as ./charts (from the folder of Pulumi.yaml) or /srv/charts, or a URL of https:// or oci://",
        examples=["oci://registry.example.com/charts"],
        json_schema_extra={"pattern": r"^((https?|oci)://[^\s\\]*|(/|\.\.?(/|$))([^\s\\]| )*)$"},
    ),
    AfterValidator(_charts),
]


# `catalog.versions` words the error; editors need the form.
_RELEASE = Field(json_schema_extra={"pattern": r"^[0-9]+\.[0-9]+\.[0-9]+$"})


class Versions(Frozen):
    """Versions of Dynamo's operator and images. `catalog.versions` knows which work together."""

    platform: Annotated[str, _RELEASE] = Field(default_factory=lambda: versions.dynamo().platform)
    """Release of the operator, with its CRDs and chart."""
    runtime: Annotated[str, _RELEASE] = Field(default_factory=lambda: versions.dynamo().runtime)
    """Release of the images: frontend, router and engines."""
    charts: ChartsLocation | None = None
    """Where the operator's chart is fetched: a folder or mirror that holds a copy; NVIDIA's registry if not set."""
