"""The download as the Job runs it, in its own process, against a hub with right and wrong answers."""

import json
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.weights import hub as fake
from tests.weights.hub import FILES, FIRST, REPOSITORY, REVISION, SECOND, TOKEN, Hub, serving
from tests.weights.running import (
    assert_failed,
    assert_whole,
    command,
    environment,
    fetch,
    fetched,
    folder,
    marker,
    placed,
)
from workloads.jobs.fetch_weights.listing import listing


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(Hub()) as running:
        yield running


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "target").mkdir()
    (tmp_path / "scratch").mkdir()
    return tmp_path


def test_a_revision_comes_whole_without_what_serving_does_not_need(hub: Hub, place: Path) -> None:
    done = fetch(hub, place)
    assert_whole(done, place)
    lines = done.stdout.splitlines()
    assert len(lines) == len(FILES) + 1
    assert all(any(f"] {path}: " in line for line in lines) for path in FILES)


def test_the_marker_has_what_was_verified(hub: Hub, place: Path) -> None:
    fetch(hub, place)
    files = json.loads(marker(place).read_text())["files"]
    assert set(files[FIRST]) == {"size", "sha256"}
    assert set(files["config.json"]) == {"size", "gitSha1"}


def test_again_asks_no_one(hub: Hub, place: Path) -> None:
    assert_whole(fetch(hub, place), place)
    before = len(hub.requests)
    again = fetch(hub, place)
    assert_whole(again, place)
    assert len(hub.requests) == before == len(FILES) + 1
    assert again.stdout == f"{REPOSITORY} {REVISION}: all {len(FILES)} files already exist\n"


@pytest.mark.parametrize("damage", ["shorter", "gone", "other marker"])
def test_a_marker_over_damage_vouches_for_nothing(hub: Hub, place: Path, damage: str) -> None:
    fetch(hub, place)
    match damage:
        case "shorter":
            (folder(place) / FIRST).write_bytes(b"x")
        case "gone":
            (folder(place) / SECOND).unlink()
        case _:
            marker(place).write_text('{"files": ')
    assert_whole(fetch(hub, place), place)


def test_damage_that_cannot_be_mended_leaves_no_marker(hub: Hub, place: Path) -> None:
    fetch(hub, place)
    (folder(place) / FIRST).unlink()
    hub.always[FIRST] = fake.status(500)
    assert_failed(fetch(hub, place, "--attempts", "2"), place, FIRST)


def test_without_a_marker_what_lies_there_is_believed_by_its_hash_only(hub: Hub, place: Path) -> None:
    fetch(hub, place)
    marker(place).unlink()
    (folder(place) / SECOND).write_bytes(bytes(len(FILES[SECOND])))  # the right size
    hub.requests.clear()
    done = fetch(hub, place)
    assert_whole(done, place)
    assert len(hub.asked_for(SECOND)) == 1
    assert hub.asked_for(FIRST) == []
    assert f"{FIRST}: already exists" in done.stdout


def test_429_is_waited_out_as_long_as_asked(hub: Hub, place: Path) -> None:
    hub.answers[FIRST] = [fake.status(429, Retry_After="1")]
    begun = time.monotonic()
    assert_whole(fetch(hub, place), place)
    assert time.monotonic() - begun >= 1
    assert len(hub.asked_for(FIRST)) == 2


def test_a_wait_beyond_the_time_limit_is_not_begun(hub: Hub, place: Path) -> None:
    hub.answers["listing"] = [fake.status(429, Retry_After="3600")]
    begun = time.monotonic()
    assert_failed(fetch(hub, place, "--timeout", "30"), place, REPOSITORY, "HTTP 429", "in 3600 s, would be after")
    assert time.monotonic() - begun < 20


def test_retry_after_may_be_a_date(hub: Hub, place: Path) -> None:
    hub.answers[FIRST] = [fake.status(503, Retry_After="Fri, 01 Jan 2100 00:00:00 GMT")]
    assert_failed(fetch(hub, place), place, FIRST, "HTTP 503", "would be after the deadline")


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_passing_errors_pass(hub: Hub, place: Path, code: int) -> None:
    hub.answers = {"listing": [fake.status(code)] * 2, FIRST: [fake.status(code)] * 3}
    assert_whole(fetch(hub, place), place)


def test_errors_without_end_end(hub: Hub, place: Path) -> None:
    hub.always[SECOND] = fake.status(503)
    assert_failed(fetch(hub, place, "--attempts", "3"), place, SECOND, "failed after 3 attempts", "HTTP 503")
    assert len(hub.asked_for(SECOND)) == 3


def test_a_connection_reset_in_mid_file_is_gone_on_with(hub: Hub, place: Path) -> None:
    asked: list[str | None] = []

    def watched(handler: fake.Handler, content: bytes) -> None:
        asked.append(handler.headers.get("Range"))
        handler.serve(content)

    hub.answers[FIRST] = [fake.broken_after(100_000), fake.broken_after(50_000), watched]
    assert_whole(fetch(hub, place), place)
    assert asked == ["bytes=150000-"]


def test_a_server_without_ranges_starts_over(hub: Hub, place: Path) -> None:
    hub.answers[FIRST] = [fake.broken_after(100_000), fake.no_ranges]
    assert_whole(fetch(hub, place), place)


def test_pieces_that_do_not_fit_are_fetched_in_one(hub: Hub, place: Path) -> None:
    partial = place / "scratch" / REVISION / f"{FIRST}.partial"
    partial.parent.mkdir()
    partial.write_bytes(b"?" * 100_000)
    assert_whole(fetch(hub, place), place)
    assert len(hub.asked_for(FIRST)) == 2


def test_a_file_shorter_than_the_index_says(hub: Hub, place: Path) -> None:
    hub.always[FIRST] = fake.instead(FILES[FIRST][:-1])
    assert_failed(fetch(hub, place), place, FIRST, "the hub has only 299999 bytes of it")
    assert FIRST not in fetched(place)


def test_a_file_longer_than_the_index_says(hub: Hub, place: Path) -> None:
    hub.always[FIRST] = fake.instead(FILES[FIRST] + b"!")
    assert_failed(fetch(hub, place), place, FIRST, "more than the 300000 bytes")
    assert FIRST not in fetched(place)


@pytest.mark.parametrize("path", [FIRST, "config.json"])
def test_content_of_another_hash(hub: Hub, place: Path, path: str) -> None:
    hub.always[path] = fake.instead(bytes(len(FILES[path])))
    assert_failed(fetch(hub, place), place, path, "not have the hash of its index")
    assert path not in fetched(place)
    assert len(hub.asked_for(path)) == 1


def test_the_token_does_not_follow_to_another_host(hub: Hub, place: Path) -> None:
    with serving(Hub()) as other:
        hub.gated_by = TOKEN
        hub.always = {path: fake.moved_to(f"{other.url}/{REPOSITORY}/resolve/{REVISION}/{path}") for path in FILES}
        assert_whole(fetch(hub, place, token=TOKEN), place)
        assert other.requests
        assert {token for _, token in other.requests} == {None}
        assert {token for _, token in hub.requests} == {TOKEN}


def test_the_token_follows_within_its_host(hub: Hub, place: Path) -> None:
    hub.gated_by = TOKEN
    hub.answers["listing"] = [fake.moved_to(f"/api/models/{REPOSITORY}")]  # as for a repository that was renamed
    assert_whole(fetch(hub, place, token=TOKEN), place)
    assert {token for _, token in hub.requests} == {TOKEN}


def test_a_gated_repository_without_a_token(hub: Hub, place: Path) -> None:
    hub.gated_by = TOKEN
    assert_failed(fetch(hub, place), place, REPOSITORY, "HTTP 401", "set HF_TOKEN")
    assert len(hub.requests) == 1


def test_a_gated_repository_with_a_token_that_may_not(hub: Hub, place: Path) -> None:
    hub.gated_by = "another"
    assert_failed(fetch(hub, place, token=TOKEN), place, "HTTP 403", "must have accepted")


def test_a_token_that_is_none_is_not_printed(hub: Hub, place: Path) -> None:
    assert_failed(fetch(hub, place, token=f"{TOKEN}\nX: y"), place, "HF_TOKEN has characters")
    assert hub.requests == []


def test_a_repository_that_is_not_there(hub: Hub, place: Path) -> None:
    done = fetch(hub, place, "--repository", "acme/gone")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "acme/gone: the hub does not have it (HTTP 404)" in done.stderr


def test_a_hub_that_is_not_there(place: Path) -> None:
    with serving(Hub()) as gone:
        pass
    assert_failed(fetch(gone, place, "--attempts", "2"), place, "failed after 2 attempts", gone.url)


LISTINGS = [
    ("no JSON object", [1], "not a listing"),
    ("no files", {"sha": REVISION}, "not a listing"),
    ("no revision", {"sha": "main", "siblings": []}, "does not name the revision"),
    ("no weights", {"sha": REVISION, "siblings": []}, "no weights in safetensors"),
    ("no sizes", {"sha": REVISION, "siblings": [{"rfilename": "config.json"}]}, "not a listing"),
    ("a size of text", {"sha": REVISION, "siblings": [{"rfilename": "a.json", "size": "1", "blobId": "0" * 40}]},
     "no size and hash for a.json"),
    ("a way out", {"sha": REVISION, "siblings": [{"rfilename": "../../a.json", "size": 1, "blobId": "0" * 40}]},
     "would lie outside"),
    ("another revision", {"sha": "f" * 40, "siblings": [
        {"rfilename": name, "size": 1, "blobId": "0" * 40} for name in ("config.json", "m.safetensors")]},
     "the hub answers with ffff"),
]  # fmt: skip


@pytest.mark.parametrize(("listing", "says"), [case[1:] for case in LISTINGS], ids=[case[0] for case in LISTINGS])
def test_a_listing_that_is_none(hub: Hub, place: Path, listing: object, says: str) -> None:
    hub.listing = listing
    assert_failed(fetch(hub, place), place, REPOSITORY, says)


def test_a_listing_that_is_not_json(hub: Hub, place: Path) -> None:
    hub.always["listing"] = fake.instead(b"<html>")
    assert_failed(fetch(hub, place), place, "is not JSON")


def pinned(place: Path, hub: Hub) -> Path:
    _, files = listing(hub.index())
    path = place / "files.json"
    path.write_text(json.dumps({file.path: file.to_wire() for file in files}))
    return path


def test_pinned_files_need_no_listing(hub: Hub, place: Path) -> None:
    hub.always["listing"] = fake.status(500)
    assert_whole(fetch(hub, place, "--files", str(pinned(place, hub))), place)


def test_pinned_hashes_stand_against_the_hub(hub: Hub, place: Path) -> None:
    files = pinned(place, hub)
    hub.files[FIRST] = bytes(len(FILES[FIRST]))
    assert_failed(fetch(hub, place, "--files", str(files)), place, FIRST, "not have the hash of its index")


def test_files_pinned_later_are_compared_with_existing_ones(hub: Hub, place: Path) -> None:
    fetch(hub, place)
    hub.files["tokenizer.json"] = b"[]"
    again = fetch(hub, place, "--files", str(pinned(place, hub)))
    assert again.returncode == 0
    assert fetched(place)["tokenizer.json"] == b"[]"


def test_a_run_that_is_killed_is_gone_on_with(hub: Hub, place: Path) -> None:
    reached, release = threading.Event(), threading.Event()
    hub.answers[FIRST] = [fake.held_after(120_000, reached, release)]
    process = subprocess.Popen(
        command(hub, place), env=environment(None), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    partial = place / "scratch" / REVISION / f"{FIRST}.partial"
    try:
        assert reached.wait(30)
        deadline = time.monotonic() + 30
        # Killed while it writes another file to the target, it would leave that file's hidden temporary name there.
        while time.monotonic() < deadline and not (
            partial.exists() and partial.stat().st_size >= 60_000 and placed(place) == FILES.keys() - {FIRST}
        ):
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        release.set()
    kept = partial.stat().st_size
    assert 60_000 <= kept < len(FILES[FIRST])
    assert FIRST not in fetched(place)
    assert not marker(place).exists()

    asked: list[str | None] = []

    def watched(handler: fake.Handler, content: bytes) -> None:
        asked.append(handler.headers.get("Range"))
        handler.serve(content)

    hub.answers[FIRST] = [watched]
    assert_whole(fetch(hub, place), place)
    assert asked == [f"bytes={kept}-"]


def test_a_target_that_cannot_be_written(hub: Hub, place: Path) -> None:
    (place / "target" / "acme").write_text("a file where a folder should be")
    done = fetch(hub, place)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "Not a directory" in done.stderr


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs /sys, a folder that takes no files from anyone")
def test_a_read_only_target(hub: Hub, place: Path) -> None:
    done = fetch(hub, place, "--target", "/sys/kernel")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert re.search("Read-only file system|Operation not permitted|Permission denied", done.stderr)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_scratch_disk(hub: Hub, place: Path) -> None:
    partial = place / "scratch" / REVISION / f"{FIRST}.partial"
    partial.parent.mkdir()
    partial.symlink_to("/dev/full")
    assert_failed(fetch(hub, place), place, FIRST, "No space left on device")
    assert len(hub.asked_for(FIRST)) == 1


def test_a_scratch_that_holds_no_whole_file(hub: Hub, place: Path) -> None:
    done = fetch(hub, place, "--scratch-bytes", "250000")
    assert_failed(done, place, FIRST, "300000 bytes", "250000")
    assert_whole(fetch(hub, place, "--scratch-bytes", "300000"), place)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--revision", "main"), "branches move"),
        (("--repository", "tiny"), "is not OWNER/NAME"),
        (("--repository", "../x"), "is not OWNER/NAME"),
        (("--attempts", "0"), "at least 1"),
    ],
)
def test_a_command_line_at_error(hub: Hub, place: Path, words: tuple[str, str], says: str) -> None:
    done = fetch(hub, place, *words)
    assert done.returncode == 2
    assert says in done.stderr
    assert hub.requests == []


def test_an_endpoint_that_is_none(hub: Hub, place: Path) -> None:
    assert_failed(fetch(hub, place, "--endpoint", "file:///etc"), place, "is not the address of a hub")


def test_a_slow_stop_of_the_others_is_bounded(hub: Hub, place: Path) -> None:
    """One file fails permanently while another waits for a long pause: the pause ends at once."""
    hub.always = {FIRST: fake.status(503, Retry_After="50"), SECOND: fake.status(404)}
    begun = time.monotonic()
    assert_failed(fetch(hub, place), place, SECOND, "HTTP 404")
    assert time.monotonic() - begun < 20
