"""Client ranges are judged by their total number of addresses, however they are written."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings.client_ranges import range_error, share_error, without_effect

HALVES = ["0.0.0.0/1", "128.0.0.0/1"]
BUT_ONE = [str(net) for net in IPv4Network("0.0.0.0/0").address_exclude(IPv4Network("198.51.100.7/32"))]


@pytest.mark.parametrize(
    "ranges",
    [
        *(["203.0.113.0/24"], ["203.0.113.7"], ["203.0.113.7/32"], ["17.0.0.0/8"], []),
        ["17.0.0.0/9", "17.128.0.0/9"],
        ["17.0.0.0/8", "17.1.0.0/16"],  # the second holds nothing new
        ["17.0.0.0/8", "10.0.0.0/8", "192.168.0.0/16"],  # private ranges open nothing
        ["2a00:1450::/32", "2003::/21"],
        ["17.0.0.0/8", "2003::/20"],
    ],
    ids=str,
)
def test_the_ranges_of_clients_pass(ranges: list[str]) -> None:
    assert [range_error(text) for text in ranges] == [None] * len(ranges)
    assert share_error(ranges) is None


@pytest.mark.parametrize(
    ("ranges", "sentence"),
    [
        (["0.0.0.0/0"], "0.0.0.0/0 opens the model to everyone"),
        (HALVES, "0.0.0.0/0 opens the model to everyone"),
        (["0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/1"], "everyone"),
        ([f"{i}.0.0.0/8" for i in range(256)], "everyone"),
        ([f"{i}.0.0.0/8" for i in range(1, 224)], "everyone"),  # but for what nobody has
        (BUT_ONE, "everyone"),  # the address that is missing is for documentation
        (["17.0.0.0/8", "18.0.0.0/32"], "17.0.0.0/8, 18.0.0.0/32 open the model to 0.45 % of all public IPv4"),
        (["16.0.0.0/7"], "16.0.0.0/7 opens the model to 0.91 %"),
        (
            [f"{i}.0.0.0/16" for i in range(16, 100)] + ["100.128.0.0/9"] * 2 + ["110.0.0.0/9"],
            "100.128.0.0/9, 110.0.0.0/9, 16.0.0.0/16 and 83 more open ",
        ),
        (["::/0"], "everyone"),
        (["2000::/3"], "everyone"),
        (["2000::/4", "3000::/4"], "everyone"),
        (["2600::/12"], "of all public IPv6 addresses; all ranges of a gateway together may be as large as a /20"),
        (["2003::/20", "2a00::/32"], "IPv6"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_large_share_of_the_internet_is_refused(ranges: list[str], sentence: str) -> None:
    error = share_error(ranges)
    assert error is not None
    assert sentence in error
    assert "Give the ranges of your clients, such as 203.0.113.0/24" in error


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0.0.0.0/0", "everyone"),
        ("128.0.0.0/1", "of all public IPv4 addresses"),
        ("10.0.0.1/24", "the range that contains it is 10.0.0.0/24, and its address alone is 10.0.0.1"),
        ("2a00::1/32", "the range that contains it is 2a00::/32"),
        ("203.0.113.0/33", "an example is 203.0.113.0/24"),
        ("all", '"all" is not a range of addresses'),
        ("", "is not a range of addresses"),
        ("*", "is not a range of addresses"),
        ("203.0.113.0/", "is not a range of addresses"),
        ("203.0.113.0 /24", "is not a range of addresses"),
        ("203.0.113.0/255.255.255.0", "as Google Cloud writes it"),
        ("128.0.0.0/128.0.0.0", "as Google Cloud writes it"),
        ("203.0.113.0/0.0.0.255", "as Google Cloud writes it"),
        ("203.0.113.0/024", "as Google Cloud writes it"),
        ("2a00::%1/32", "as Google Cloud writes it"),
        # All of IPv4, written as IPv6.
        ("::ffff:0:0/96", "stand for IPv4 addresses; use IPv4 ranges instead"),
        ("::ffff:0.0.0.0/97", "use IPv4 ranges instead"),
        ("::ffff:203.0.113.0/120", "use 203.0.113.0/24 instead"),
        ("::ffff:0:0:0/96", "stand for IPv4 addresses"),
        ("::/96", "stand for IPv4 addresses"),
        ("64:ff9b::/96", "stand for IPv4 addresses"),
        ("64:ff9b::203.0.113.7/128", "use 203.0.113.7/32 instead"),
        ("64:ff9b:1::/96", "stand for IPv4 addresses"),
        ("2002::/16", "stand for IPv4 addresses"),
        ("2002:cb00:7100::/40", "use 203.0.113.0/24 instead"),
        ("2002:cb00:7107:1::/64", "use 203.0.113.7/32 instead"),
        ("2001::/32", "stand for IPv4 addresses"),
        ("2001::/28", "2001::/28 holds addresses of 2001::/32"),
        ("::/8", "stand for IPv4 addresses"),
    ],
)
def test_a_range_that_is_wrong_by_itself_is_refused(text: str, sentence: str) -> None:
    error = range_error(text)
    assert error is not None
    assert sentence in error


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("10.0.0.0/8", "private"),
        ("192.168.1.7", "private"),
        ("100.64.0.0/10", "private"),
        ("127.0.0.0/8", "loopback"),
        ("203.0.113.0/24", "for documentation"),
        ("fd00::/8", "private"),
        ("4000::/2", "not handed out"),
        ("2a00:1450::/32", "an IPv4 address only"),
    ],
)
def test_a_range_that_admits_nobody_is_reported(text: str, why: str) -> None:
    assert range_error(text) is None
    assert why in str(without_effect(text))


@pytest.mark.parametrize("text", ["17.0.0.0/8", "8.8.8.8", "10.0.0.0/7"])
def test_a_range_of_the_internet_lets_clients_in(text: str) -> None:
    assert without_effect(text) is None


@st.composite
def cut(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A range, and the same addresses in pieces: each piece may be cut in two again, and some are given twice."""
    wide = draw(st.sampled_from([IPv4Network, IPv6Network]))
    prefix = draw(st.integers(0, 24))
    bits = 32 if wide is IPv4Network else 128
    whole = wide((draw(st.integers(0, 2**prefix - 1)) << (bits - prefix), prefix))
    pieces: list[IPv4Network | IPv6Network] = [whole]
    for _ in range(draw(st.integers(0, 8))):
        pieces.extend(pieces.pop(draw(st.integers(0, len(pieces) - 1))).subnets())
    twice = draw(st.lists(st.sampled_from(pieces), max_size=3))
    return str(whole), [str(net) for net in draw(st.permutations([*pieces, *twice]))]


@given(cut())
def test_a_range_in_pieces_is_judged_as_the_whole(given_ranges: tuple[str, Sequence[str]]) -> None:
    whole, pieces = given_ranges
    assert share_error(pieces) == share_error([whole])


# First octets of which some addresses are not public.
MIXED = {0, 10, 100, 127, 169, 172, 192, 198, 203, *range(224, 256)}


@given(st.lists(st.tuples(st.integers(0, 2**16 - 1), st.integers(5, 16)), min_size=1, max_size=12))
def test_what_passes_holds_as_much_as_a_slash_8(drawn: list[tuple[int, int]]) -> None:
    """Counted another way, in blocks of /16, of which a /8 has 256."""
    networks = [IPv4Network((block << 16, prefix), strict=False) for block, prefix in drawn]
    blocks = {
        block
        for net in networks
        for block in range(int(net.network_address) >> 16, (int(net.broadcast_address) >> 16) + 1)
    }
    if share_error([str(net) for net in networks]) is None:
        assert sum(block >> 8 not in MIXED for block in blocks) <= 256
    else:
        assert len(blocks) > 256
