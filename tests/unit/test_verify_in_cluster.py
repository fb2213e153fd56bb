"""The verification as the Job runs it: it finds workers through the Kubernetes API and reads their logs."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import certifi
import pytest

from catalog.engines import default_engine
from tests.local.fake_endpoint import Behavior, serving
from tests.loopback import listening
from tests.ucx_tables import RDMA, TCP, log
from workloads.evidence import transfer_arguments
from workloads.jobs.verify import chat, cluster, metrics, verification
from workloads.jobs.verify.__main__ import main

COUNTED = default_engine().transfer_evidence
assert COUNTED
EVIDENCE = transfer_arguments(COUNTED)

TOKEN = "token-of-the-pod"

GOOD = "\n".join(log("1.22", RDMA)) + "\n"
BAD = "\n".join(log("1.21", TCP)) + "\n"
START = "2026-11-28T09:00:00Z"


@dataclass
class Api:
    """A fake Kubernetes API with one graph, for the paths that the verification uses."""

    workers: dict[str, list[str]] = field(default_factory=dict)
    """Role → metrics ports, one per pod."""
    log: str = GOOD
    pods: list[dict[str, Any]] = field(default_factory=list)
    """Changes to the pods of each role, in order."""
    ends_early: bool = False
    status: int = 200
    tokens: list[str] = field(default_factory=list)
    restarts: int = 0
    """The next requests find the API server starting: it resets connections, and answers the last one with 503."""


@contextmanager
def api_server(api: Api) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            api.tokens.append(self.headers.get("Authorization", ""))
            url = urlsplit(self.path)
            query = parse_qs(url.query)
            if api.restarts:
                api.restarts -= 1
                if api.restarts:
                    self.close_connection = True
                else:
                    self.send_error(503)
            elif api.status != 200:
                self._send(json.dumps({"message": "pods is forbidden"}))
            elif url.path.endswith("/log"):
                assert query == {"container": ["main"], "timestamps": ["true"]}
                self._send("".join(f"2026-11-28T09:00:07.123456789Z {line}\n" for line in api.log.splitlines()))
            else:
                assert url.path == "/api/v1/namespaces/dynamo/pods"
                graph, role = (pair.partition("=")[2] for pair in query["labelSelector"][0].split(","))
                assert graph == "chat"
                self._send(
                    json.dumps({"items": [self._pod(role, i, p) for i, p in enumerate(api.workers.get(role, []))]})
                )

        def _pod(self, role: str, index: int, port: str) -> dict[str, Any]:
            ports = [{"name": "http", "containerPort": 1}, {"name": "system", "containerPort": int(port)}]
            status = {"name": "main", "state": {"running": {"startedAt": START}}}
            pod = {
                "metadata": {"name": f"chat-{role}-{index}"},
                "spec": {"containers": [{"name": "main", "ports": ports}]},
                "status": {"phase": "Running", "podIP": "127.0.0.1", "containerStatuses": [status]},
            }
            return pod | (api.pods[index] if index < len(api.pods) else {})

        def _send(self, text: str) -> None:
            data = text.encode()
            self.send_response(api.status)
            self.send_header("Content-Length", str(len(data) + 5 * api.ends_early * self.path.count("/log")))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the test output clean."""

    with listening(Handler) as address:
        yield address


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "ca.crt").write_bytes(Path(certifi.where()).read_bytes())
    return tmp_path


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "SETTLE_SECONDS", 0.3)
    monkeypatch.setattr(verification, "ROUND_SETTLE_SECONDS", 0.1)
    monkeypatch.setattr(cluster, "RETRY_SECONDS", 0.02)
    for module in (metrics, chat):
        monkeypatch.setattr(module, "POLL_SECONDS", 0.02)


def run(api: Api, credentials: Path, behavior: Behavior, *extra: str) -> int:
    """The Job's command line against a graph of one prefill and one decode worker."""
    with ExitStack() as stack:
        url = stack.enter_context(serving(behavior))
        port = url.rpartition(":")[2]
        if not api.workers:
            api.workers = {"prefill": [port], "decode": [port]}
        address = stack.enter_context(api_server(api))
        words = ["--endpoint", url, "--pods", "dynamo/chat", "--roles", "prefill", "decode", "--transport", "rdma"]
        words += [*EVIDENCE, "--timeout", "3", "--api", address, "--credentials", str(credentials)]
        return main([*words, *extra])


def test_a_graph_over_rdma_is_verified(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api = Api()
    assert run(api, credentials, Behavior(nixl_bytes=1 << 20, metrics_of_both=True)) == 0
    printed = capsys.readouterr().out
    assert "not verified" not in printed
    assert "verified      KV cache over RDMA: chat-decode-0: 1 process reads KV cache over rc_mlx5 (RDMA)" in printed
    assert set(api.tokens) == {f"Bearer {TOKEN}"}
    assert TOKEN not in printed


def test_a_restart_of_the_api_server_is_waited_for(credentials: Path) -> None:
    api = Api(restarts=5)
    assert run(api, credentials, Behavior(nixl_bytes=1 << 20, metrics_of_both=True)) == 0
    assert api.restarts == 0


def test_an_api_server_that_stays_away_is_a_sentence(
    credentials: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "LIST_SECONDS", 0.2)
    assert run(Api(restarts=10**6), credentials, Behavior()) == 1
    assert "cannot tell   workers found: " in capsys.readouterr().out


def test_kv_cache_over_tcp_is_reported(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Api(log=BAD), credentials, Behavior(nixl_bytes=1 << 20, metrics_of_both=True)) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("not verified")]
    assert "chat-decode-0" in line
    assert "tcp/eth0" in line


def test_logs_without_a_table_are_inconclusive(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Api(log=""), credentials, Behavior(nixl_bytes=1 << 20, metrics_of_both=True)) == 1
    assert "cannot tell   KV cache over RDMA: chat-decode-0: the log has no table" in capsys.readouterr().out


def test_zero_bytes_are_reported(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Api(), credentials, Behavior(nixl_bytes=0, metrics_of_both=True)) == 1
    assert "not verified  KV cache moved: 0.00 MiB in 0 NIXL transfers" in capsys.readouterr().out


def test_failed_checks_are_printed_last(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pod's status has only the end of the log, and a graph with many workers prints many lines that passed."""
    assert run(Api(), credentials, Behavior(nixl_bytes=0, metrics_of_both=True)) == 1
    verified = [line.startswith("verified ") for line in capsys.readouterr().out.splitlines()]
    assert verified == sorted(verified, reverse=True)
    assert not verified[-1]


def test_reported_only_exits_with_0_and_still_reports(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Api(log=BAD), credentials, Behavior(nixl_bytes=1, metrics_of_both=True), "--report-only") == 0
    assert "not verified" in capsys.readouterr().out


def test_a_forbidden_list_is_a_sentence(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Api(status=403), credentials, Behavior()) == 1
    assert "cannot tell   workers found: the Kubernetes API answered HTTP 403" in capsys.readouterr().out


def test_a_role_without_pods_is_reported(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Api(workers={"decode": ["1"]}), credentials, Behavior(nixl_bytes=1)) == 1
    assert "there is no prefill worker" in capsys.readouterr().out


def test_outside_a_pod_there_are_no_credentials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Api(), tmp_path, Behavior()) == 1
    assert "no credentials of a pod" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [["--pods", "dynamo/chat"], ["--transport", "rdma"], ["--pods", "chat", "--roles", "decode"]]
)
def test_a_command_line_that_does_not_hang_together(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--endpoint", "http://127.0.0.1:1", *words])
    assert stopped.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


GOOD_BEHAVIOR = {"nixl_bytes": 1 << 20, "metrics_of_both": True}


def test_where_tcp_is_declared_tcp_must_be_found(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Api(log=BAD), credentials, Behavior(**GOOD_BEHAVIOR), "--transport", "tcp") == 0
    assert "KV cache over TCP: chat-decode-0: 1 process reads KV cache over tcp" in capsys.readouterr().out
    assert run(Api(), credentials, Behavior(**GOOD_BEHAVIOR), "--transport", "tcp") == 1


def test_every_rank_must_have_a_table(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = "\n".join(log("1.21", RDMA, pid=301) + log("1.21", RDMA, pid=302))
    assert run(Api(log=both), credentials, Behavior(**GOOD_BEHAVIOR), "--ranks", "2") == 0
    assert run(Api(log=both), credentials, Behavior(**GOOD_BEHAVIOR), "--ranks", "3") == 1
    assert "2 of 3 ranks have a table" in capsys.readouterr().out


def test_a_decode_pod_that_served_nothing_is_not_reached(
    credentials: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker's log is good, but from an earlier prompt: this verification sent it none."""
    monkeypatch.setattr(verification, "ROUNDS", 1)
    busy, idle = Behavior(**GOOD_BEHAVIOR), Behavior(**GOOD_BEHAVIOR)
    with serving(busy) as url, serving(idle) as other, api_server(Api()) as address:
        ports = [place.rpartition(":")[2] for place in (url, other)]
        with api_server(Api({"prefill": ports[:1], "decode": ports})) as address:
            words = ["--endpoint", url, "--pods", "dynamo/chat", "--roles", "prefill", "decode", "--transport", "rdma"]
            words += ["--timeout", "3", "--api", address, "--credentials", str(credentials)]
            assert main(words) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "not reached: chat-decode-1." in next(line for line in lines if "decode worker received" in line)
    assert [line[:13].strip() for line in lines if "KV cache over RDMA" in line] == ["verified", "not verified"]
    assert "chat-decode-1: not reached" in lines[-1]


def test_pods_that_are_being_deleted_or_do_not_run_are_no_workers(credentials: Path) -> None:
    leaving = {"metadata": {"name": "old", "deletionTimestamp": START}}
    pending = {"status": {"phase": "Pending"}}
    with serving(Behavior(**GOOD_BEHAVIOR)) as url:
        port = url.rpartition(":")[2]
        api = Api({"prefill": ["1", "1", port], "decode": ["1", "1", port]}, pods=[leaving, pending])
        with api_server(api) as address:
            words = ["--endpoint", url, "--pods", "dynamo/chat", "--roles", "prefill", "decode", "--transport", "rdma"]
            assert main([*words, "--timeout", "3", "--api", address, "--credentials", str(credentials)]) == 0


def test_a_rotated_log_is_inconclusive(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A kubelet returns only the newest log file, so earlier tables may have differed."""
    started = {"name": "main", "state": {"running": {"startedAt": "2026-11-28T07:59:00Z"}}}
    status = {"phase": "Running", "podIP": "127.0.0.1", "containerStatuses": [started]}
    assert run(Api(pods=[{"status": status}]), credentials, Behavior(**GOOD_BEHAVIOR)) == 1
    assert "cannot tell   KV cache over RDMA: chat-decode-0: its log was rotated" in capsys.readouterr().out


def test_a_log_that_ends_before_its_length_is_inconclusive(
    credentials: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(Api(ends_early=True), credentials, Behavior(**GOOD_BEHAVIOR)) == 1
    assert "its log cannot be read: the answer ended early" in capsys.readouterr().out


def test_a_log_above_the_limit_is_inconclusive(
    credentials: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "LOG_BYTES", 2000)
    assert run(Api(log=GOOD + "noise\n" * 2000), credentials, Behavior(**GOOD_BEHAVIOR)) == 1
    assert "its log cannot be read: the answer is too long" in capsys.readouterr().out


def test_the_whole_log_counts_and_not_its_beginning_only(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There are 20 MiB between the good and the bad table."""
    noise = ("INFO " + "x" * 200 + "\n") * 100_000
    assert run(Api(log=GOOD + noise + BAD), credentials, Behavior(**GOOD_BEHAVIOR)) == 1
    assert "not verified  KV cache over RDMA: chat-decode-0" in capsys.readouterr().out
