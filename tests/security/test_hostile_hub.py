"""The download and `models pin` against a hostile hub, on loopback, with limits of time and bytes."""

import ipaddress
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from catalog.models import card
from ops.__main__ import app
from tests.loopback import silent_addresses
from tests.weights import hub as fake
from tests.weights.hub import FILES, FIRST, REPOSITORY, REVISION, SECOND, TOKEN, Hub, serving
from tests.weights.running import (
    assert_failed,
    assert_whole,
    command,
    earlier_marker,
    environment,
    fetch,
    fetched,
    folder,
    marker,
)
from workloads.jobs.fetch_weights import web
from workloads.jobs.fetch_weights.errors import FetchFailed
from workloads.jobs.fetch_weights.hub import retry_after
from workloads.jobs.fetch_weights.listing import MAX_FILES, accepted, listing

ENTRY = {"size": 1, "gitSha1": "0" * 40}
FORGED = "tiny\nall files already exist\x1b[2K\r::error::x\u202e\u2028"
DEEP = "[" * 200_000


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(Hub()) as running:
        yield running


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "target").mkdir()
    (tmp_path / "scratch").mkdir()
    return tmp_path


def raw(first: bytes, again: bytes = b"", pause: float = 0.0) -> fake.Answer:
    """Bytes instead of an HTTP answer, then more bytes repeatedly, for 30 s or until the client stops."""

    def answer(handler: fake.Handler, _: bytes) -> None:
        handler.close_connection = True
        handler.wfile.write(first)
        end = time.monotonic() + 30
        while again and time.monotonic() < end:
            handler.wfile.write(again)
            handler.wfile.flush()
            time.sleep(pause)

    return answer


def ok(body: bytes, *headers: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *headers, "", ""]).encode() + body


CHUNKED = "Transfer-Encoding: chunked"


# Files in the folder, and markers of a complete download


def forged(content: dict[str, bytes], **more: Any) -> str:
    entries = {path: {"size": len(it), "gitSha1": "0" * 40} for path, it in content.items()}
    return json.dumps({"repository": REPOSITORY, "revision": REVISION, "files": entries, **more})


@pytest.mark.parametrize("name", [f".complete-{REVISION}.json", f"{REVISION}.complete.json"])
def test_a_listing_that_names_the_marker_makes_nothing_complete(hub: Hub, place: Path, name: str) -> None:
    hub.files[name] = forged({"config.json": FILES["config.json"]}).encode()
    hub.always[FIRST] = fake.status(404)
    for _ in range(2):
        assert_failed(fetch(hub, place), place, FIRST, "HTTP 404")


@pytest.mark.parametrize("name", [f"../{REVISION}.complete.json", f"x/../../{REVISION}.complete.json"])
def test_a_listing_that_leads_to_the_marker_is_refused(hub: Hub, place: Path, name: str) -> None:
    hub.files[name] = forged(FILES).encode()
    assert_failed(fetch(hub, place), place, "would lie outside")


def test_hidden_files_of_a_repository_are_left_out(hub: Hub, place: Path) -> None:
    hub.files |= {".gitattributes": b"*.safetensors filter=lfs", ".cache/a.json": b"{}", ".hidden.json": b"{}"}
    assert_whole(fetch(hub, place), place)


MARKERS: dict[str, bytes] = {
    "deep": DEEP.encode(),
    "deep below files": b'{"files": ' + DEEP.encode(),
    "not UTF-8": b"\xff\xfe{}",
    "NaN": b"NaN",
    "a number": b"1",
    "no files": json.dumps({"repository": REPOSITORY, "revision": REVISION, "files": {}}).encode(),
    "files of text": json.dumps({"repository": REPOSITORY, "revision": REVISION, "files": "config.json"}).encode(),
    "entries of text": json.dumps({"repository": REPOSITORY, "revision": REVISION, "files": {"a.json": "1"}}).encode(),
    "no weights": forged({"config.json": FILES["config.json"]}).encode(),
    "no configuration": forged({FIRST: FILES[FIRST]}).encode(),
    "a way out": forged({**FILES, "../../../../x.json": b""}).encode(),
    "of another model": forged(FILES, repository="acme/other").encode(),
    "other sizes": forged({**FILES, FIRST: b"x"}).encode(),
}


@pytest.mark.parametrize("at", [marker, earlier_marker], ids=["marker", "earlier marker"])
@pytest.mark.parametrize("content", MARKERS.values(), ids=MARKERS)
def test_a_marker_that_is_none_counts_as_none(
    hub: Hub, place: Path, at: Callable[[Path], Path], content: bytes
) -> None:
    fetch(hub, place)
    marker(place).unlink()
    at(place).write_bytes(content)
    (folder(place) / SECOND).unlink()
    assert_whole(fetch(hub, place), place)


def test_an_earlier_marker_counts_by_the_hashes_of_its_files(hub: Hub, place: Path) -> None:
    fetch(hub, place)
    marker(place).rename(earlier_marker(place))
    hub.requests.clear()
    assert_whole(fetch(hub, place), place)
    assert hub.requests == []


def test_an_earlier_marker_does_not_stand_for_content(hub: Hub, place: Path) -> None:
    """A marker as a hub could write it, with the sizes of the files that it sent before."""
    fetch(hub, place)
    marker(place).unlink()
    (folder(place) / FIRST).write_bytes(bytes(len(FILES[FIRST])))
    earlier_marker(place).write_text(forged(FILES))
    assert_whole(fetch(hub, place), place)


def test_an_earlier_marker_that_is_a_folder(hub: Hub, place: Path) -> None:
    earlier_marker(place).mkdir(parents=True)
    done = fetch(hub, place)
    assert (done.returncode, done.stderr) == (0, "")
    assert marker(place).is_file()


def test_what_an_earlier_listing_left_is_removed(hub: Hub, place: Path) -> None:
    fetch(hub, place)
    (folder(place) / "tokenization_evil.py").write_text("import os")
    (folder(place) / "link.json").symlink_to("/etc/hostname")
    done = fetch(hub, place)
    assert_whole(done, place)
    assert "removed a file that is not listed: tokenization_evil.py" in done.stdout


def test_a_name_in_the_folder_forges_no_line(hub: Hub, place: Path) -> None:
    fetch(hub, place)
    names = ["x\x1b[31m\n::error::forged\nverified  transport is RDMA.json", "::error::x.json", "##[error]x.json"]
    for name in (*names, "\udcff.json"):
        (folder(place) / name).write_text("1")
    done = fetch(hub, place)
    assert_whole(done, place)
    assert done.stdout.count("removed a file that is not listed: ") == 4
    for line in done.stdout.splitlines():
        assert line.isprintable()
        assert line.startswith(("removed a file", f"{REPOSITORY} ", "["))
        assert "##[" not in line


def test_addresses_that_never_answer_do_not_outlast_the_time(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from workloads.jobs.fetch_weights.__main__ import main

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with silent_addresses(monkeypatch, 8) as url:
        begun = time.monotonic()
        words = ["--repository", REPOSITORY, "--revision", REVISION, "--target", str(place / "target")]
        assert main([*words, "--scratch", str(place / "scratch"), "--endpoint", url, "--timeout", "2"]) == 1
        assert time.monotonic() - begun < 4
    assert "no answer from" in capsys.readouterr().err


def test_a_symbolic_link_is_replaced_and_leads_nowhere(hub: Hub, place: Path) -> None:
    outside = place / "outside"
    outside.mkdir()
    (outside / FIRST).write_bytes(FILES[FIRST])
    folder(place).mkdir(parents=True)
    (folder(place) / FIRST).symlink_to(outside / FIRST)
    assert_whole(fetch(hub, place), place)
    assert not (folder(place) / FIRST).is_symlink()
    marker(place).unlink()
    (folder(place) / "encoding" / "vocab.txt").unlink()
    (folder(place) / "encoding").rmdir()
    (folder(place) / "encoding").symlink_to(outside)
    assert_failed(fetch(hub, place), place, "encoding/vocab.txt", "a symbolic link leads from")
    assert [path.name for path in outside.iterdir()] == [FIRST]


# Names and sizes in a listing

PATHS = [
    "/etc/x.json", "../x.json", "a/../x.json", "a\\x.json", "a//x.json", "./x.json", "x\n.json", "x\x1b[2K.json",
    "x\u202e.json", "x\ud800.json", "x\0.json", "a/" * 5000 + "x.json", "a/" * 8 + "x.json", "x" * 300 + ".json",
    "Config.json", "CONFIG.JSON/x.json", "config.json", "config.json/x.json", "m.safetensors/x/y.json",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ascii(path[:24]))
def test_a_name_that_could_do_harm_is_refused_in_one_line(path: str) -> None:
    with pytest.raises(FetchFailed) as refused:
        accepted([("config.json", ENTRY), ("m.safetensors", ENTRY), (path, ENTRY)])
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) <= 600


@pytest.mark.parametrize("pair", [("e\u0301.json", "\u00e9.json"), ("stra\u00dfe.json", "STRASSE.json")], ids=ascii)
def test_names_that_are_the_same_somewhere_are_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(FetchFailed, match="the same on some file systems"):
        accepted([(path, ENTRY) for path in ("config.json", "m.safetensors", *pair)])


@pytest.mark.parametrize(
    "entry",
    [
        {"size": -1}, {"size": True}, {"size": 1.0}, {"size": 10**400}, {"size": None}, {"gitSha1": None},
        {"gitSha1": int("1" * 40)}, {"sha256": ["a" * 64]}, {"sha256": "A" * 64}, {"sha256": "a" * 63},
    ],
    ids=str,
)  # fmt: skip
def test_a_size_or_hash_that_is_none_is_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(FetchFailed, match=r"no size and hash for a\.json"):
        accepted([("config.json", ENTRY), ("m.safetensors", ENTRY), ("a.json", {**ENTRY, **entry})])


@pytest.mark.parametrize(
    "siblings",
    [["config.json"], [["rfilename"]], [1], None, 1, [{"rfilename": 1}], [{"rfilename": "a.json", "lfs": 7}]],
)
def test_siblings_of_another_form_are_refused(siblings: Any) -> None:
    with pytest.raises(FetchFailed, match="not a listing"):
        listing({"sha": REVISION, "siblings": siblings})


def test_files_without_end_are_refused() -> None:
    many = ((f"{number}.json", ENTRY) for number in range(MAX_FILES))
    with pytest.raises(FetchFailed, match=f"the max is {MAX_FILES}"):
        accepted([("config.json", ENTRY), ("m.safetensors", ENTRY), *many])


# Answers

LISTINGS: dict[str, tuple[fake.Answer, str]] = {
    "deep": (fake.instead(DEEP.encode()), "is not JSON"),
    "NaN": (fake.instead(b'{"sha": NaN}'), "is not JSON"),
    "Infinity": (fake.instead(b'{"sha": -Infinity}'), "is not JSON"),
    "a number without end": (fake.instead(b"1" * 100_000), "is not JSON"),
    "not UTF-8": (fake.instead(b'{"sha": "\xff"}'), "is not JSON"),
    "compressed": (raw(ok(b"x", "Content-Encoding: gzip", "Content-Length: 1")), "compresses"),
    "without end": (raw(ok(b""), b" " * 2**20), "more than"),
    "cut": (raw(ok(b'{"sha"', "Content-Length: 900")), "894 bytes are missing"),
    "a chunk of -1": (raw(ok(b"-1\r\n", CHUNKED), b"x" * 2**16), "a listing of more than|more than the 300000 bytes"),
    "a chunk of -5": (raw(ok(b"-5\r\n", CHUNKED), b"x" * 2**16), "a listing of more than"),
    "a chunk of text": (raw(ok(b"zz\r\n", CHUNKED)), "broken connection"),
    "trailers without end": (raw(ok(b"1\r\nx\r\n0\r\n", CHUNKED), b"a: b\r\n" * 10_000), "too long|longer than"),
    "headers without end": (raw(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n" * 100), "got more than 100 headers"),
    "a header without end": (raw(b"HTTP/1.1 200 OK\r\na: ", b"b" * 10_000), "got more than 65536 bytes"),
    "continue without end": (raw(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500), "longer than its limit"),
    "no HTTP": (raw(f"{FORGED}\r\n".encode()), "no answer from"),
    "another 2xx": (fake.status(204), "HTTP 204"),
    "a redirect in a circle": (fake.moved_to("?again"), "more than 5 times"),
    "a redirect to a file": (fake.moved_to("file:///etc/passwd"), "only http or https without a user name"),
    "a redirect to ftp": (fake.moved_to("ftp://127.0.0.1/x"), "only http or https without a user name"),
    "a redirect to metadata": (fake.moved_to("http://169.254.169.254/computeMetadata/v1/"), "cloud metadata"),
    "a redirect to metadata by IPv6": (fake.moved_to("http://[::ffff:169.254.169.254]/"), "cloud metadata"),
    "a redirect with a user name": (fake.moved_to("http://u:p@127.0.0.1/"), "without a user name"),
    "a redirect to nowhere": (fake.status(302), "without a target"),
    "a redirect to no port": (fake.moved_to("http://127.0.0.1:99999/"), "invalid address"),
    "a redirect to no host": (fake.moved_to("http://[::1/"), "invalid address"),
    "a redirect that forges lines": (fake.moved_to("http://x\x1b[2K\x85::error::/"), "error: "),
}


@pytest.mark.parametrize("case", LISTINGS)
def test_a_hostile_answer_ends_in_one_sentence(hub: Hub, place: Path, case: str) -> None:
    answer, says = LISTINGS[case]
    hub.always["listing"] = answer
    begun = time.monotonic()
    done = fetch(hub, place, "--attempts", "2", "--timeout", "20", token=TOKEN)
    assert time.monotonic() - begun < 20
    assert_failed(done, place)
    assert any(words in done.stderr for words in says.split("|")), done.stderr
    assert done.stderr.rstrip("\n").isprintable()


FILE_ANSWERS: dict[str, tuple[fake.Answer, str]] = {
    "more than listed": (raw(ok(b""), b"x" * 2**16), "more than the 300000 bytes"),
    "a length that lies": (raw(ok(b"x" * 1000, "Content-Length: 300000")), "299000 bytes are missing|more bytes"),
    "a negative length": (raw(ok(b"", "Content-Length: -1"), b"x" * 2**16), "more than the 300000 bytes"),
    "a chunk of -1": (raw(ok(b"-1\r\n", CHUNKED), b"x" * 2**16), "a listing of more than|more than the 300000 bytes"),
    "a chunk of -5": (raw(ok(b"-5\r\n", CHUNKED), b"x" * 2**16), "more than the 300000 bytes"),
    "a range of another place": (
        raw(b"HTTP/1.1 206 X\r\nContent-Range: bytes 7-\r\n\r\n" + bytes(300_000)),
        "not have the hash of its index",
    ),
    "to metadata": (fake.moved_to("http://169.254.169.254/"), "cloud metadata"),
}


@pytest.mark.parametrize("case", FILE_ANSWERS)
def test_a_hostile_file_ends_in_one_sentence(hub: Hub, place: Path, case: str) -> None:
    answer, says = FILE_ANSWERS[case]
    hub.always[FIRST] = answer
    begun = time.monotonic()
    done = fetch(hub, place, "--attempts", "2", "--timeout", "20")
    assert time.monotonic() - begun < 20
    assert_failed(done, place, FIRST)
    assert any(words in done.stderr for words in says.split("|")), done.stderr
    assert FIRST not in fetched(place)


DRIPS = {
    "of headers": raw(b"HTTP/1.1 200 OK\r\na: ", b"b", pause=0.1),
    "of a body": raw(ok(b""), b"b", pause=0.1),
    "of chunks": raw(ok(b"", CHUNKED), b"1\r\nb\r\n", pause=0.1),
    "of nothing": raw(b"", b"\r", pause=40),
}


@pytest.mark.parametrize("what", ["listing", FIRST])
@pytest.mark.parametrize("drip", DRIPS)
def test_a_drip_does_not_outlast_the_time(hub: Hub, place: Path, drip: str, what: str) -> None:
    hub.always[what] = DRIPS[drip]
    begun = time.monotonic()
    assert_failed(fetch(hub, place, "--timeout", "2"), place, "the time limit of the whole fetch has passed")
    assert time.monotonic() - begun < 8


def test_a_failure_does_not_wait_for_a_drip_beside_it(hub: Hub, place: Path) -> None:
    hub.always = {FIRST: DRIPS["of nothing"], SECOND: fake.status(404)}
    begun = time.monotonic()
    assert_failed(fetch(hub, place), place, SECOND, "HTTP 404")
    assert time.monotonic() - begun < 8


def test_a_connection_below_the_floor_of_speed_is_given_up_for_another(
    hub: Hub, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs in this process, with a shorter time window than the Job's."""
    from workloads.jobs.fetch_weights.__main__ import main

    monkeypatch.setattr(web, "STALL_SECONDS", 1.0)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    hub.answers = {"listing": [DRIPS["of headers"]], FIRST: [DRIPS["of a body"]]}
    begun = time.monotonic()
    assert main(command(hub, place)[5:]) == 0
    assert 2 <= time.monotonic() - begun < 20
    assert fetched(place) == FILES


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("5", 5.0), ("-5", 0.0), ("9" * 400, 0.0), ("٣", 0.0), ("x", 0.0), ("Mon, 01 Jan 0001 00:00:00 -0000", 0.0),
     ("1, 2, 3", 0.0), ("", 0.0), ("nan", 0.0), ("Fri, 01 Jan 1999 99:99:99 GMT", 0.0)],
)  # fmt: skip
def test_any_retry_after_is_a_number_of_seconds(header: str, seconds: float) -> None:
    assert retry_after(header) == seconds


@pytest.mark.parametrize(
    ("address", "from_public", "refused"),
    [
        ("169.254.169.254", True, True), ("169.254.169.254", False, True), ("::ffff:169.254.169.254", False, True),
        ("64:ff9b::a9fe:a9fe", False, True), ("2002:a9fe:a9fe::1", False, True), ("fe80::1", False, True),
        ("fd20:ce::254", False, True), ("10.0.0.1", True, True), ("127.0.0.1", True, True), ("::1", True, True),
        ("100.64.0.1", True, True), ("64:ff9b::a00:1", True, True), ("10.0.0.1", False, False),
        ("127.0.0.1", False, False), ("8.8.8.8", True, False), ("2606:4700::1", True, False),
    ],
)  # fmt: skip
def test_no_request_leads_from_outside_to_inside(address: str, from_public: bool, refused: bool) -> None:
    try:
        web.check_address(ipaddress.ip_address(address), from_public)
    except FetchFailed:
        assert refused
    else:
        assert not refused


@pytest.mark.parametrize(("url", "to"), [("https://h/a", "http://h/a"), ("https://h/a", "//h@other/")])
def test_a_redirect_from_https_stays_there(url: str, to: str) -> None:
    with pytest.raises(FetchFailed, match="only https without a user name"):
        web._next(url, to)


def test_the_token_goes_to_the_origin_of_the_hub_only() -> None:
    call = web.Call("https://hub.example/a", limit=1, token=TOKEN)
    for url in ("https://hub.example/b", "https://hub.example:443/b"):
        assert call.request(url).get_header("Authorization") == f"Bearer {TOKEN}"
    for url in ("http://hub.example/b", "https://hub.example:444/", "https://a.hub.example/", "https://hub.example.x/"):
        assert not call.request(url).has_header("Authorization")


@pytest.mark.parametrize("led_to_metadata", [False, True])
def test_a_proxy_of_the_environment_is_used(hub: Hub, place: Path, led_to_metadata: bool) -> None:
    """The hub's name does not resolve here; the fake hub acts as a proxy, which gets whole URLs."""
    if led_to_metadata:
        hub.always["listing"] = fake.moved_to("http://169.254.169.254/")
    words = command(hub, place, "--endpoint", "http://hub.invalid", "--attempts", "1")
    proxied = environment(None) | {"http_proxy": hub.url}
    done = subprocess.run(words, env=proxied, capture_output=True, text=True, timeout=60, check=False)
    if led_to_metadata:
        assert_failed(done, place, "cloud metadata")
    else:
        assert_whole(done, place)


# More than one fetch


def ends(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str]]:
    results: list[tuple[int, str]] = []
    for process in processes:
        try:
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
        results.append((process.returncode, errors))
    return results


def start(hub: Hub, place: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(hub, place, *more), env=environment(None), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("shared", [True, False], ids=["one scratch folder", "a scratch folder each"])
def test_three_fetches_at_once_all_succeed(hub: Hub, place: Path, shared: bool) -> None:
    def slowly(handler: fake.Handler, content: bytes) -> None:
        time.sleep(0.3)
        handler.serve(content)

    hub.always = dict.fromkeys(FILES, slowly)
    scratch = [place / "scratch" / ("" if shared else str(number)) for number in range(3)]
    assert ends([start(hub, place, "--scratch", str(folder)) for folder in scratch]) == [(0, "")] * 3
    assert fetched(place) == FILES
    assert marker(place).is_file()
    if shared:
        assert len(hub.asked_for(FIRST)) == 1


def test_a_failing_fetch_succeeds_when_another_has_fetched_all(hub: Hub, place: Path) -> None:
    with serving(Hub()) as failing:

        def late(handler: fake.Handler, _: bytes) -> None:
            end = time.monotonic() + 30
            while not marker(place).exists() and time.monotonic() < end:
                time.sleep(0.02)
            handler.reply(404, b"")

        failing.always[FIRST] = late
        loser = start(failing, place, "--scratch", str(place / "other"))
        end = time.monotonic() + 30
        while not failing.asked_for(FIRST) and time.monotonic() < end:
            time.sleep(0.02)
        assert fetch(hub, place).returncode == 0
        assert ends([loser]) == [(0, "")]
    assert marker(place).is_file()


def test_waiting_for_another_fetch_ends_in_time(hub: Hub, place: Path) -> None:
    hub.always[FIRST] = DRIPS["of nothing"]
    first = start(hub, place)
    try:
        end = time.monotonic() + 30
        while not hub.asked_for(FIRST) and time.monotonic() < end:
            time.sleep(0.02)
        begun = time.monotonic()
        assert_failed(fetch(hub, place, "--timeout", "1"), place, "the time limit of the whole fetch has passed")
        assert time.monotonic() - begun < 8
    finally:
        first.send_signal(signal.SIGTERM)
    assert ends([first]) == [(1, "interrupted\n")]


def test_what_is_half_written_is_removed_when_the_pod_is_deleted(hub: Hub, place: Path) -> None:
    hub.always[FIRST] = DRIPS["of nothing"]
    process = start(hub, place)
    end = time.monotonic() + 30
    while not hub.asked_for(FIRST) and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert ends([process]) == [(1, "interrupted\n")]
    assert not [name for _, _, names in os.walk(place / "target") for name in names if name.endswith(".partial")]


# Pinning


@pytest.mark.parametrize("case", LISTINGS)
def test_pinning_at_a_hostile_hub_ends_in_one_sentence(case: str, monkeypatch: pytest.MonkeyPatch, hub: Hub) -> None:
    def written(*_: object) -> None:
        raise AssertionError("the card would be written")

    monkeypatch.setattr("ops.commands.pin._replace", written)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr("ops.commands.pin.SECONDS", 20.0)
    monkeypatch.setattr("ops.commands.pin.ATTEMPTS", 1)
    hub.repository = card("qwen3-0.6b").repository
    answer, says = LISTINGS[case]
    hub.always["listing"] = answer
    done = CliRunner().invoke(app, ["models", "pin", "qwen3-0.6b", "--hub", hub.url])
    assert (done.exit_code, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.isprintable()
    assert TOKEN not in line
    assert any(words in line for words in says.split("|")), line


def test_pinning_does_not_outlast_its_time(monkeypatch: pytest.MonkeyPatch, hub: Hub) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("ops.commands.pin.SECONDS", 2.0)
    hub.repository = card("qwen3-0.6b").repository
    hub.always["listing"] = DRIPS["of headers"]
    begun = time.monotonic()
    done = CliRunner().invoke(app, ["models", "pin", "qwen3-0.6b", "--hub", hub.url])
    assert time.monotonic() - begun < 8
    assert done.exit_code == 1
    assert "the time limit of the whole fetch has passed" in done.stderr


def test_a_hub_address_with_a_password_is_not_printed() -> None:
    done = CliRunner().invoke(app, ["models", "pin", "qwen3-0.6b", "--hub", f"https://user:{TOKEN}@hub.example"])
    assert done.exit_code == 2
    assert TOKEN not in done.output
    assert "contains a user name or a password" in done.stderr
