"""What `Kube` does when the API server restarts, forgets or stays away, against a scripted one on 127.0.0.1."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from urllib3.util.retry import Retry

from ops.rehearsal import kube as kube_module
from ops.rehearsal.kube import ApiError, Kube

Answer = tuple[int, dict[str, Any]]
POD_KIND = {"name": "pods", "kind": "Pod", "namespaced": True}
STATUS_KIND = {"name": "pods/status", "kind": "Pod", "namespaced": True}


class ScriptedServer(ThreadingHTTPServer):
    """Answers the requests of a path one after the other with its script; the last answer stays."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: dict[str, list[Answer]] = {"GET /api/v1": [(200, {"resources": [POD_KIND, STATUS_KIND]})]}
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, ScriptedServer)
        if length := int(self.headers.get("Content-Length", 0)):
            self.rfile.read(length)
        path, _, query = self.path.partition("?")
        kind = f"{self.command} {path}" + (" watch" if "watch=true" in query else "")
        self.server.asked.append(f"{self.command} {self.path}")
        answers = self.server.script[kind]
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        data = json.dumps(body).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_PATCH(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.01,))
        thread.start()
        yield served
        served.shutdown()
        thread.join()


@pytest.fixture
def kubeconfig(server: ScriptedServer, tmp_path: Path) -> Path:
    cluster = {"server": f"http://127.0.0.1:{server.server_port}", "certificate-authority": "unused"}
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump({"clusters": [{"cluster": cluster}], "users": [{"user": {"token": "t"}}]}))
    return path


def pod(name: str, version: str = "1") -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": f"uid-of-{name}", "resourceVersion": version}}


def listed(version: str, *names: str) -> Answer:
    return 200, {"metadata": {"resourceVersion": version}, "items": [pod(name) for name in names]}


def test_a_watch_that_missed_changes_reports_what_vanished(server: ScriptedServer, kubeconfig: Path) -> None:
    server.script["GET /api/v1/pods"] = [listed("1", "stays", "goes"), listed("9", "stays", "new")]
    server.script["GET /api/v1/pods watch"] = [
        (200, {"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}}),
        (200, {"type": "MODIFIED", "object": pod("new", "10")}),
    ]
    stop = threading.Event()
    seen: list[tuple[str, str]] = []
    for event in Kube(kubeconfig).watch("v1", "Pod", stop=stop):
        seen.append((event.type, event.object["metadata"]["name"]))
        if event.type == "MODIFIED":
            stop.set()
    assert seen == [
        ("ADDED", "stays"),
        ("ADDED", "goes"),
        ("DELETED", "goes"),
        ("ADDED", "stays"),
        ("ADDED", "new"),
        ("MODIFIED", "new"),
    ]
    assert "resourceVersion=9" in server.asked[-1]


def test_a_request_waits_for_a_starting_api_server(server: ScriptedServer, kubeconfig: Path) -> None:
    server.script["GET /api/v1/pods"] = [(503, {}), (429, {"message": "too many"}), listed("1", "pod")]
    [found] = Kube(kubeconfig).list("v1", "Pod")
    assert (found["apiVersion"], found["kind"], found["metadata"]["name"]) == ("v1", "Pod", "pod")


def test_an_api_server_that_stays_away_is_an_error(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube_module, "_RETRIES", Retry(0))
    config = yaml.safe_load(kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:1"
    kubeconfig.write_text(yaml.safe_dump(config))
    with pytest.raises(ApiError, match="the API server did not answer GET /api/v1"):
        Kube(kubeconfig).list("v1", "Pod")


def test_writes_are_strict_and_name_their_manager(server: ScriptedServer, kubeconfig: Path) -> None:
    path = "/api/v1/namespaces/default/pods/pod"
    server.script[f"PATCH {path}"] = server.script[f"PATCH {path}/status"] = [(200, {})]
    kube = Kube(kubeconfig)
    kube.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}}, manager="operator", force=False)
    kube.patch_status("v1", "Pod", "pod", {"phase": "Running"})
    assert server.asked[1:] == [
        f"PATCH {path}?fieldManager=operator&force=false&fieldValidation=Strict",
        f"PATCH {path}/status?fieldManager=rehearsal&fieldValidation=Strict",
    ]
