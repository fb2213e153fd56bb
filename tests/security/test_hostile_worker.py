"""The verification against a hostile worker, model and API server, on loopback, with time limits."""

import json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import certifi
import pytest

from catalog.engines import default_engine
from tests.local.fake_endpoint import Behavior, serving
from tests.loopback import listening, silent_addresses
from workloads.evidence import transfer_arguments
from workloads.jobs.verify import chat, metrics, verification
from workloads.jobs.verify.__main__ import main
from workloads.jobs.verify.chat import complete, listed_models
from workloads.jobs.verify.clock import Deadline
from workloads.jobs.verify.metrics import MAX_LINES, Series, counted, counters, metrics_of
from workloads.jobs.verify.untrusted import InvalidJson, plain, read_json, say
from workloads.jobs.verify.web import MAX_BYTES, UnreachableError, fetch

Respond = Callable[[BaseHTTPRequestHandler], None]
EVIDENCE = default_engine().transfer_evidence
assert EVIDENCE
NIXL = transfer_arguments(EVIDENCE)
FORGED = "tiny\nverified      KV cache over RDMA: all is well\x1b[2K\r::error::x\u202e\u2028"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "SETTLE_SECONDS", 0.1)
    monkeypatch.setattr(verification, "ROUND_SETTLE_SECONDS", 0.1)
    for module in (metrics, chat):
        monkeypatch.setattr(module, "POLL_SECONDS", 0.02)


@contextmanager
def answering(respond: Respond) -> Iterator[str]:
    """A server that gives the same answer to every request."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                respond(self)
            except OSError:
                self.close_connection = True  # the client stopped reading

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test output clean."""

    with listening(Handler) as address:
        yield address


def text(body: str, status: int = 200, **headers: str) -> Respond:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        data = body.encode()
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    return respond


def endless_body(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * (1 << 16))


def endless_headers(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.flush_headers()
    while True:
        handler.wfile.write(b"X-Filler: " + b"x" * 1000 + b"\r\n")


def dripping_headers(handler: BaseHTTPRequestHandler) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX-Filler: " + b"x" * 300:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.05)


def dripping_continues(handler: BaseHTTPRequestHandler) -> None:
    for _ in range(300):
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.05)


@pytest.mark.parametrize("respond", [endless_body, endless_headers])
def test_an_endless_answer_is_cut_off_in_bounded_memory(respond: Respond) -> None:
    with answering(respond) as url:
        tracemalloc.start()
        try:
            with pytest.raises(UnreachableError):
                fetch(url, Deadline(30))
            assert tracemalloc.get_traced_memory()[1] < 5 * MAX_BYTES
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("respond", [dripping_headers, dripping_continues])
def test_an_answer_that_drips_ends_at_the_deadline(respond: Respond) -> None:
    with answering(respond) as url:
        started = time.monotonic()
        with pytest.raises(UnreachableError, match="no answer in time"):
            fetch(url, Deadline(0.5))
        assert time.monotonic() - started < 2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("target", ["{other}/stolen", "http://[", "file:///etc/passwd", "//x\x7f"])
def test_no_redirect_is_followed_and_no_token_goes_elsewhere(status: int, target: str, tmp_path: Path) -> None:
    """The Kubernetes token goes to the API server, and to no server that it names."""
    asked: list[str] = []

    def thief(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        text("{}")(handler)

    (tmp_path / "token").write_text("canary-token")
    (tmp_path / "ca.crt").write_bytes(Path(certifi.where()).read_bytes())
    with answering(thief) as other, answering(text("", status, Location=target.format(other=other))) as url:
        words = ["--endpoint", url, "--pods", "dynamo/chat", "--roles", "decode", "--timeout", "1"]
        assert main([*words, "--api", url, "--credentials", str(tmp_path)]) == 1
        assert fetch(url, Deadline(5))[0] == status
    assert asked == []


@pytest.mark.parametrize("body", ["[" * 200_000, '{"a":' * 200_000, "NaN", '{"data": NaN}', "1" * 5000, "", "\udcff"])
def test_json_that_is_none_is_a_sentence(body: str) -> None:
    with pytest.raises(InvalidJson):
        read_json(body)


@pytest.mark.parametrize(
    "body",
    [
        "[" * 200_000, "[]", "null", "3", '{"data": 3}', '{"data": [3]}', '{"data": [{"id": NaN}]}',
        '{"choices": []}', '{"choices": [null]}', '{"choices": [{"message": {"content": 3}}]}',
        '{"choices": [{"message": {"content": ["x"]}}]}', '{"choices": [{"message": null}]}', '{"choices": {"0": 1}}',
    ],
)  # fmt: skip
def test_an_answer_of_any_shape_ends_in_a_sentence(body: str) -> None:
    with answering(text(body)) as url:
        with pytest.raises(UnreachableError, match="did not answer with a model list"):
            listed_models(url, Deadline(5))
        with pytest.raises(UnreachableError, match="without a chat completion"):
            complete(url, "tiny", "hello", 1, Deadline(5))


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "1e999"])
def test_a_counter_that_is_no_number_is_no_metrics(value: str) -> None:
    with pytest.raises(UnreachableError):
        counted(counters(["f 1", f"f {value}"], [Series("f")], Deadline(5)), Series("f"))


def test_metrics_that_are_no_numbers_verify_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    labels = 'dynamo_component="backend",dynamo_endpoint="generate"'
    with (
        serving(Behavior()) as url,
        answering(text(f"dynamo_component_requests_total{{{labels}}} NaN\n")) as worker,
    ):
        assert main(["--endpoint", url, "--worker", worker, *NIXL, "--timeout", "3"]) == 1
    assert "no aggregated worker returns its metrics" in capsys.readouterr().out


def test_metrics_of_any_text_take_bounded_time() -> None:
    started = time.monotonic()
    for line in ("f{" + "a" * 10**6 + "} 1", 'f{a="' + "\\" * 10**6 + "} 1", "f{" + "}" * 10**6 + " x", "f" * 10**6):
        counters([line], [Series("f")], Deadline(5))
    assert time.monotonic() - started < 5


PAGES = {
    "lines of others": "a 1\n" * 500_000,
    "samples of what is asked": 'dynamo_component_requests_total{dynamo_component="backend"} 1\n' * 30_000,
    "labels": "dynamo_component_requests_total{" + 'a="",' * 3_000 + "} 1\n",
    "no line ends": "dynamo_component_requests_total{" * 60_000,
}


@pytest.mark.parametrize("page", PAGES)
def test_the_verification_ends_in_time_whatever_the_pages_of_workers_hold(
    page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole run stays within `--timeout`, the settling time and the time of the last reading."""
    monkeypatch.setattr(verification, "LAST_SECONDS", 1.0)
    whole = PAGES[page] if page != "labels" else PAGES[page] * 100

    with serving(Behavior()) as url, answering(text(whole)) as worker:
        words = [word for number in range(4) for word in ("--decode", f"{worker}/{number}")]
        started = time.monotonic()
        assert main(["--endpoint", url, *words, "--prefill", f"{worker}/p", *NIXL, "--timeout", "3"]) == 1
        assert time.monotonic() - started < 3 + 0.1 + 1 + 2


def test_a_page_of_too_many_lines_is_no_metrics() -> None:
    read = 0

    def page() -> Iterator[str]:
        nonlocal read
        while True:
            read += 1
            yield "a 1"

    with pytest.raises(UnreachableError, match="more than 30000 lines"):
        counters(page(), [Series("f")], Deadline(30))
    assert read == MAX_LINES + 1


def test_the_deadline_holds_while_a_page_is_parsed() -> None:
    with pytest.raises(UnreachableError, match="not read in time"):
        counters(["f 1"], [Series("f")], Deadline(0))


def test_a_page_is_parsed_once_for_all_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    parse = metrics._sample  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(metrics, "_sample", lambda line: parsed.append(line) or parse(line))
    asked = [Series(name) for name in ("f", "g", "h")]
    assert counters(["f 1", "g 2", "other 1", "h 3"], asked, Deadline(5)) == dict(zip(asked, (1, 2, 3), strict=True))
    assert parsed == ["f 1", "g 2", "h 3"]


def test_addresses_that_never_answer_share_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    with silent_addresses(monkeypatch, 8) as url:
        started = time.monotonic()
        with pytest.raises(UnreachableError, match=r"no answer in time|timed out"):
            fetch(url, Deadline(1))
        assert time.monotonic() - started < 2.5


def test_an_address_that_answers_is_reached_behind_those_that_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(text("here")) as url:
        good = int(url.rpartition(":")[2])
        with silent_addresses(monkeypatch, 2, ("127.0.0.1", good)) as name:
            assert fetch(name, Deadline(3)) == (200, "here")


@pytest.mark.parametrize("words", ["a\n::error::x", "a \x1b[31m##[error]x", "a\u2028::add-mask::x", "\udcff\r::x"])
def test_nothing_that_a_job_prints_is_a_command(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    say(words, before="verified      ")
    (line,) = capsys.readouterr().out.splitlines()
    assert line.isprintable()
    assert line.startswith("verified      ")
    assert "##[" not in line


def test_words_of_others_are_one_line_of_printable_text() -> None:
    shown = plain(FORGED)
    assert shown == "tiny verified KV cache over RDMA: all is well [2K ::error::x"
    assert shown.isprintable()
    assert len(plain("x" * 10**6)) == 200


@pytest.mark.parametrize("as_json", [False, True])
def test_a_model_id_forges_no_line_of_the_report(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Behavior(models=(FORGED,), answer=FORGED)) as url:
        words = ["--endpoint", url, "--worker", f"{url}/decode", "--timeout", "3"]
        main([*words, *(["--json"] if as_json else [])])
        main(["--endpoint", url, "--model", "other", "--timeout", "0.3"])
    printed = capsys.readouterr()
    for line in (printed.out + printed.err).splitlines():
        assert line.isprintable(), line
        assert not line.startswith(("verified      KV cache", "::"))
    if as_json:
        first, _ = printed.out.split("\n", 1)
        assert json.loads(first)["model"].isprintable()


def test_an_error_body_forges_no_line_of_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        models = handler.path == "/v1/models"
        text('{"data": [{"id": "tiny"}]}' if models else FORGED, 200 if models else 500)(handler)

    with answering(respond) as url:
        assert main(["--endpoint", url, "--timeout", "0.3"]) == 1
    printed = capsys.readouterr()
    assert "HTTP 500: tiny verified KV cache" in printed.out
    assert all(line.isprintable() for line in (printed.out + printed.err).splitlines())


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "http://", "http://[::1", "http://a b", "http://x:y"])
def test_an_address_that_is_none_is_a_sentence(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--endpoint", url])
    assert stopped.value.code == 2
    assert "is not an HTTP address" in capsys.readouterr().err
    with pytest.raises(UnreachableError):
        fetch(url, Deadline(1))


def test_a_worker_that_answers_nothing_usable_is_left_out() -> None:
    def status(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 999999 \x1b[31m\r\n\r\n")

    with answering(status) as url:
        assert metrics_of([url], [Series("f")], Deadline(2)) == {}
