import pytest

from ops.rehearsal.engine import target
from reading.errors import ConfigInvalid

_HEAD = "urn:pulumi:prod::dynamo-gke::"
URNS = [
    f"{_HEAD}pulumi:providers:gcp::google",
    f"{_HEAD}dynamo-gke:infra:GpuPool::decode",
    f"{_HEAD}dynamo-gke:infra:GpuPool$gcp:container/nodePool:NodePool::decode-pool",
    f"{_HEAD}dynamo-gke:infra:Network::network",
    f"{_HEAD}dynamo-gke:infra:Network$gcp:compute/network:Network::network-vpc",
]


@pytest.mark.parametrize(
    "text", ["decode-pool", "GpuPool", "NodePool::decode", "providers:gcp", "network-vpc", "gcp:compute/network"]
)
def test_a_text_of_a_created_resource_is_accepted(text: str) -> None:
    target.check(text, URNS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("decode-pol", 'no resource has "decode-pol" in its URN; the nearest: decode-pool'),
        ("nodepool", "the nearest: NodePool"),
        ("foo", "in its URN; give part of a type, such as NodePool, or of a name, such as chat-graph"),
        (
            "GpuPool::decode",
            "GpuPool decode is a component, which groups resources and is not created itself; "
            "resources in such components: decode-pool",
        ),
        ("pulumi:pulumi:Stack", 'only the stack\'s own URN has "pulumi:pulumi:Stack", and the stack is not created'),
        ("Stack::dynamo-gke-prod", "give part of a type, such as NodePool"),
        ("", "is empty"),
    ],
)
def test_another_text_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        target.check(text, URNS)
    (error,) = refused.value.errors
    assert error.path == "--fail"
    assert said in error.message
