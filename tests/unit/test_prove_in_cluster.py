"""The proof as the Job runs it: workers found by the Kubernetes API, the transport read from their logs."""

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

from tests.local.fake_endpoint import Behaviour, serving
from tests.loopback import listening
from workloads import prove

TOKEN = "token-of-the-pod"

# In the form of UCX's protocol tables.
RC_TABLE = """
[170.1] [w:1:0]   +------------------------------+--------------------------------------------------------+
[170.1] [w:1:0]   | ucp_context_0 inter-node cfg#2 | remote memory read by ucp_get* into cuda/GPU0 from cuda |
[170.1] [w:1:0]   +------------------------------+-------------------------------+------------------------+
[170.1] [w:1:0]   |                       0..inf | zero-copy                     | rc_mlx5/mlx5_0:1/path0 |
"""
TCP_TABLE = RC_TABLE.replace("rc_mlx5/mlx5_0:1/path0", "tcp/eth0").replace("zero-copy", "software emulation")
OTHER_TABLE = RC_TABLE.replace("remote memory read by ucp_get*", "active message by ucp_am_send*").replace(
    "cfg#2", "cfg#3"
)


@pytest.mark.parametrize(
    ("log", "chosen"),
    [
        (RC_TABLE, {"rc_mlx5"}),
        (TCP_TABLE, {"tcp"}),
        (RC_TABLE + OTHER_TABLE.replace("rc_mlx5/mlx5_0:1/path0", "tcp/eth0"), {"rc_mlx5"}),
        (OTHER_TABLE, set()),
        ("INFO loading https://example.com/a tcp/eth0", set()),
    ],
)
def test_only_the_transport_of_remote_reads_counts(log: str, chosen: set[str]) -> None:
    assert prove.transports(log) == chosen


@dataclass
class Api:
    """The few paths of the Kubernetes API, and what a graph looks like there."""

    workers: dict[str, list[str]] = field(default_factory=dict)
    """Role → metrics ports, one a pod."""
    log: str = RC_TABLE
    status: int = 200
    tokens: list[str] = field(default_factory=list)


@contextmanager
def api_server(api: Api) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            api.tokens.append(self.headers.get("Authorization", ""))
            url = urlsplit(self.path)
            query = parse_qs(url.query)
            if api.status != 200:
                self._send(json.dumps({"message": "pods is forbidden"}))
            elif url.path.endswith("/log"):
                assert query["container"] == ["main"]
                self._send(api.log)
            else:
                assert url.path == "/api/v1/namespaces/dynamo/pods"
                graph, role = (pair.partition("=")[2] for pair in query["labelSelector"][0].split(","))
                assert graph == "chat"
                self._send(
                    json.dumps({"items": [self._pod(role, i, p) for i, p in enumerate(api.workers.get(role, []))]})
                )

        def _pod(self, role: str, index: int, port: str) -> dict[str, Any]:
            ports = [{"name": "http", "containerPort": 1}, {"name": "system", "containerPort": int(port)}]
            return {
                "metadata": {"name": f"chat-{role}-{index}"},
                "spec": {"containers": [{"name": "main", "ports": ports}]},
                "status": {"phase": "Running", "podIP": "127.0.0.1"},
            }

        def _send(self, text: str) -> None:
            data = text.encode()
            self.send_response(api.status)
            self.send_header("Content-Length", str(len(data)))
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
    monkeypatch.setattr(prove, "SETTLE_SECONDS", 0.3)
    monkeypatch.setattr(prove, "POLL_SECONDS", 0.02)


def run(api: Api, credentials: Path, behaviour: Behaviour, *extra: str) -> int:
    """The Job's command line against a graph of one prefill and one decode worker."""
    with ExitStack() as stack:
        url = stack.enter_context(serving(behaviour))
        port = url.rpartition(":")[2]
        if not api.workers:
            api.workers = {"prefill": [port], "decode": [port]}
        address = stack.enter_context(api_server(api))
        words = ["--endpoint", url, "--pods", "dynamo/chat", "--roles", "prefill", "decode", "--transport", "rdma"]
        words += ["--kv-transfer", "nixl", "--timeout", "3", "--api", address, "--credentials", str(credentials)]
        return prove.main([*words, *extra])


def test_a_graph_over_rdma_is_proven(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api = Api()
    assert run(api, credentials, Behaviour(nixl_bytes=1 << 20, metrics_of_both=True)) == 0
    printed = capsys.readouterr().out
    assert "NOT PROVEN" not in printed
    assert "decode workers read KV cache by rc_mlx5." in printed
    assert set(api.tokens) == {f"Bearer {TOKEN}"}
    assert TOKEN not in printed


def test_kv_cache_over_tcp_is_told(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Api(log=TCP_TABLE), credentials, Behaviour(nixl_bytes=1 << 20, metrics_of_both=True)) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("NOT PROVEN")]
    assert "over TCP" in line


def test_tcp_that_the_stack_asks_for_is_proven(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    served = Behaviour(nixl_bytes=1 << 20, metrics_of_both=True)
    assert run(Api(log=TCP_TABLE), credentials, served, "--transport", "tcp") == 0
    assert "transport is TCP: decode workers read KV cache by tcp." in capsys.readouterr().out
    assert run(Api(log=RC_TABLE), credentials, served, "--transport", "tcp") == 1


def test_logs_without_a_transport_prove_none(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Api(log=""), credentials, Behaviour(nixl_bytes=1 << 20, metrics_of_both=True)) == 1
    assert "name no transport" in capsys.readouterr().out


def test_zero_bytes_are_told(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Api(), credentials, Behaviour(nixl_bytes=0, metrics_of_both=True)) == 1
    assert "NOT PROVEN  KV cache moved: 0.00 MiB in 0 NIXL transfers" in capsys.readouterr().out


def test_reported_only_exits_well_and_still_tells(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Api(log=TCP_TABLE), credentials, Behaviour(nixl_bytes=1, metrics_of_both=True), "--report-only") == 0
    assert "NOT PROVEN" in capsys.readouterr().out


def test_a_forbidden_list_is_a_sentence(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Api(status=403), credentials, Behaviour()) == 1
    assert "NOT PROVEN  workers found: the Kubernetes API answered HTTP 403" in capsys.readouterr().out


def test_a_role_without_pods_is_told(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Api(workers={"decode": ["1"]}), credentials, Behaviour(nixl_bytes=1)) == 1
    assert "there is no prefill worker" in capsys.readouterr().out


def test_outside_a_pod_there_are_no_credentials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Api(), tmp_path, Behaviour()) == 1
    assert "no credentials of a pod" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [["--pods", "dynamo/chat"], ["--transport", "rdma"], ["--pods", "chat", "--roles", "decode"]]
)
def test_a_command_line_that_does_not_hang_together(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        prove.main(["--endpoint", "http://127.0.0.1:1", *words])
    assert stopped.value.code == 2
    assert "Traceback" not in capsys.readouterr().err
