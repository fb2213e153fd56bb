"""Pulumi's Kubernetes provider reads group and version of an object from its resource's type."""

import pytest

from tests.stacks import SHIPPED, recorded


@pytest.mark.parametrize("stack", SHIPPED)
def test_every_object_has_a_type_with_group_and_version(stack: str) -> None:
    """The provider refuses `kubernetes:v1:PersistentVolume`, but only when it creates the object."""
    types = {resource.type for resource in recorded(stack).resources if resource.type.startswith("kubernetes:")}
    assert types
    assert not [type_ for type_ in types if type_.split(":")[1].count("/") != 1]
