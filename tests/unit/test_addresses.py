"""Ranges: accepted ranges have room for their nodes and never overlap, for any stack."""

from ipaddress import IPv4Network
from itertools import combinations

from hypothesis import assume, given
from hypothesis import strategies as st

from settings.addresses import CLUSTER_RANGES, NIC_RANGES, AddressPlan, errors

ALL = (*CLUSTER_RANGES, *NIC_RANGES)
NICS = 8


def found(ranges: AddressPlan, *, nodes: int, gpu_nodes: int) -> set[str]:
    return {error.path for error in errors("r", ranges, ALL, nodes=nodes, gpu_nodes=gpu_nodes, nics=NICS)}


def test_the_defaults_hold_what_they_say() -> None:
    assert found(AddressPlan(), nodes=1024, gpu_nodes=252) == set()
    assert found(AddressPlan(), nodes=1025, gpu_nodes=252) == {"r.pods"}
    assert found(AddressPlan(), nodes=1024, gpu_nodes=253) == {"r.secondGvnic"}


@st.composite
def networks(draw: st.DrawFn) -> str:
    prefix = draw(st.integers(8, 32))
    address = draw(st.integers(0, 2**24 - 1)) + (10 << 24)
    return str(IPv4Network((address, prefix), strict=False))


@given(st.fixed_dictionaries({name: networks() for name in ALL}), st.integers(1, 2000), st.integers(1, 1000))
def test_what_is_accepted_holds_the_nodes(given_ranges: dict[str, str], nodes: int, gpu_nodes: int) -> None:
    ranges = AddressPlan(**given_ranges)
    if found(ranges, nodes=nodes, gpu_nodes=gpu_nodes):
        return
    parsed = {name: IPv4Network(text) for name, text in given_ranges.items()}
    assert not [pair for pair in combinations(parsed.values(), 2) if pair[0].overlaps(pair[1])]
    assert parsed["nodes"].num_addresses - 4 >= nodes
    assert parsed["pods"].num_addresses >= 256 * nodes
    for subnet in ranges.rdma_subnets(NICS):
        assert IPv4Network(subnet).num_addresses - 4 >= gpu_nodes


@given(networks(), st.integers(1, 1000))
def test_the_prefix_that_an_error_advises_is_the_smallest_that_will_do(rdma: str, gpu_nodes: int) -> None:
    ranges = AddressPlan(rdma=rdma)
    advice = [
        error.message.rpartition("a /")[2].split()[0]
        for error in errors("r", ranges, ("rdma",), nodes=1, gpu_nodes=gpu_nodes, nics=NICS)
    ]
    assume(advice)
    prefix = int(advice[0])

    def accepted(length: int) -> bool:
        wider = AddressPlan(rdma=str(IPv4Network((0x40000000, length), strict=False)))
        return not errors("r", wider, ("rdma",), nodes=1, gpu_nodes=gpu_nodes, nics=NICS)

    assert accepted(prefix)
    assert not accepted(prefix + 1)
