"""Ranges: accepted ranges have room for their nodes and never overlap, for any stack."""

from collections.abc import Mapping
from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from reading.errors import Error
from settings.addresses import CLUSTER_RANGES, NIC_RANGES, AddressPlan, errors

ALL = (*CLUSTER_RANGES, *NIC_RANGES)
NICS = 8


def judged(ranges: AddressPlan, *, nodes: int, gpu_nodes: int) -> list[Error]:
    return errors("r", ranges, ALL, nodes=nodes, gpu_nodes=gpu_nodes, nics=NICS)


def found(ranges: AddressPlan, *, nodes: int, gpu_nodes: int) -> set[str]:
    return {error.path for error in judged(ranges, nodes=nodes, gpu_nodes=gpu_nodes)}


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


def changed(ranges: AddressPlan, changes: Mapping[str, str]) -> AddressPlan:
    """The ranges with others by path. Raises pydantic.ValidationError for a range that no stack may have."""
    of_stack = ranges.model_dump(by_alias=True, exclude_unset=True)
    return AddressPlan.from_wire({**of_stack, **{path.removeprefix("r."): new for path, new in changes.items()}})


@example(AddressPlan(nodes="10.0.0.0/12", pods="10.0.0.0/8", services="10.0.0.0/8"), 1, 1)
@given(
    st.dictionaries(st.sampled_from(ALL), networks(), max_size=4).map(lambda given_ranges: AddressPlan(**given_ranges)),
    st.integers(1, 1000),
    st.integers(1, 1000),
)
def test_a_range_that_an_error_advises_is_accepted(ranges: AddressPlan, nodes: int, gpu_nodes: int) -> None:
    before = judged(ranges, nodes=nodes, gpu_nodes=gpu_nodes)
    paths = {error.path for error in before}
    for error in before:
        assert error.fixes, error
        for fix in error.fixes:
            new = changed(ranges, fix.changes)
            assert found(new, nodes=nodes, gpu_nodes=gpu_nodes) <= paths - {error.path}, fix
    for choice in (0, -1):
        new = changed(ranges, {path: at for error in before for path, at in error.fixes[choice].changes.items()})
        assert found(new, nodes=nodes, gpu_nodes=gpu_nodes) == set()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("given_range", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "8.0.0.0/8", "240.0.0.0/6"])
def test_a_block_that_holds_others_is_changed_to_a_range_that_is_accepted(name: str, given_range: str) -> None:
    ranges = AddressPlan(**{name: given_range})
    for error in judged(ranges, nodes=8, gpu_nodes=4):
        assert error.fixes
        for fix in error.fixes:
            assert judged(changed(ranges, fix.changes), nodes=8, gpu_nodes=4) == [], fix


@pytest.mark.parametrize("given_range", ["10.0.0.0/7", "172.0.0.0/8", "192.0.0.0/8", "126.0.0.0/7", "0.0.0.0/0", "x"])
@pytest.mark.parametrize("name", ALL)
def test_the_example_for_a_refused_range_is_of_its_own_key(name: str, given_range: str) -> None:
    with pytest.raises(ValidationError) as refused:
        AddressPlan(**{name: given_range})
    example = str(refused.value.errors()[0]["msg"]).rpartition("an example is ")[2]
    assert judged(AddressPlan(**{name: example}), nodes=8, gpu_nodes=4) == []


def test_a_range_that_exists_is_not_changed() -> None:
    ranges = AddressPlan(proxies="192.168.128.0/23")
    (error,) = errors("r", ranges, ("proxies", "rdma"), nodes=8, gpu_nodes=4, nics=NICS, existing=("proxies",))
    assert error.path == "r.rdma"
    (error,) = errors(
        "r", AddressPlan(proxies="10.9.0.0/27"), ("proxies",), nodes=8, gpu_nodes=4, nics=NICS, existing=("proxies",)
    )
    assert error.fixes == ()
