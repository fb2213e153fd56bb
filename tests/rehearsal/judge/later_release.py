"""The program as a release may have it that renames every resource and every component's type.

Aliases tie each of them to what is deployed, so that nothing is replaced.
"""

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pulumi

RENAMED = "-renamed"
"""What the names of resources end with in that release."""
_OWN = "dynamo-gke:"
_ROOT = "pulumi:pulumi:Stack"
_init: Any = pulumi.Resource.__init__


@contextlib.contextmanager
def later_release() -> Iterator[None]:
    """Lets the programs that run in this process meanwhile be of that release."""
    with mock.patch.object(pulumi.Resource, "__init__", _renamed):
        yield


def _renamed(
    self: pulumi.Resource,
    t: str,
    name: str,
    custom: bool,
    props: Any = None,
    opts: pulumi.ResourceOptions | None = None,
    *more: Any,
    **named: Any,
) -> None:
    """The parameters are `pulumi.Resource`'s own, which subclasses also name."""
    if t != _ROOT:
        former = pulumi.ResourceOptions(aliases=[pulumi.Alias(name=name, type_=t)])
        opts = pulumi.ResourceOptions.merge(opts, former)
        name += RENAMED
        t = f"{t}Renamed" if t.startswith(_OWN) else t
    _init(self, t, name, custom, props, opts, *more, **named)
