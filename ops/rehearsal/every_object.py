"""Every object of the simulated cluster, of whatever kind."""

from collections.abc import Iterator

from ops.rehearsal.kube import Kube, NotFound, Object


def every_object(kube: Kube) -> Iterator[Object]:
    """The objects of all kinds that the API server stores, each kind in the version that it prefers.

    What can be listed but not watched, such as a ComponentStatus, is made up for each request.
    """
    groups = kube.request("GET", "/apis")["groups"]
    for version in ("v1", *(group["preferredVersion"]["groupVersion"] for group in groups)):
        for kind in _listed(kube, version):
            try:
                yield from kube.list(version, kind)
            except NotFound:  # a definition was deleted meanwhile
                continue


def _listed(kube: Kube, version: str) -> list[str]:
    return [each["kind"] for each in kube.served(version) if {"list", "watch"} <= {*each["verbs"]}]
