"""`python -m ops status` against a real server that serves the paths of the Kubernetes API, correctly or not."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from ops import __main__ as cli
from ops.diagnosis import Snapshot, watching
from ops.diagnosis import read_cluster as cluster_snapshot
from planning import names
from tests import clusters
from tests.program.test_commands import ops
from tests.stacks import planned

PLAN = planned()
WELL = clusters.running(PLAN)
LOADING = clusters.contained(WELL, "decode", started=False, state={"running": {"startedAt": clusters.ago(6)}})

CONTEXT = "gke_my-project_europe-west1_dynamo-prod"
TOKEN = "a-token-that-nobody-may-see"

Answer = tuple[int, Any]


def answers(snapshot: Snapshot) -> dict[str, Answer]:
    """Every path that is read, with what the API would send for it."""
    here = "namespaces/dynamo"
    lists = {
        f"/apis/nvidia.com/v1beta1/{here}/dynamographdeployments": snapshot.graphs,
        f"/api/v1/{here}/pods": snapshot.pods,
        f"/api/v1/{here}/events": snapshot.events,
        "/api/v1/nodes": snapshot.nodes,
        f"/apis/resource.k8s.io/v1/{here}/resourceclaims": snapshot.claims,
        f"/apis/resource.k8s.io/v1/{here}/resourceclaimtemplates": snapshot.claim_templates,
        f"/apis/discovery.k8s.io/v1/{here}/endpointslices": snapshot.endpoint_slices,
        f"/apis/nvidia.com/v1alpha1/{here}/dynamoworkermetadatas": snapshot.worker_metadata,
        f"/apis/batch/v1/{here}/jobs": snapshot.jobs,
        f"/api/v1/{here}/services": snapshot.services,
        f"/apis/nvidia.com/v1beta1/{here}/dynamocomponentdeployments": snapshot.components,
        "/api/v1/namespaces/dynamo-system/secrets": snapshot.releases,
        "/apis/apps/v1/namespaces/dynamo-system/deployments": snapshot.operators,
    }
    models = {"object": "list", "data": [{"id": model} for model in snapshot.models["chat"]]}
    return {path: (200, {"kind": "List", "items": list(items)}) for path, items in lists.items()} | {
        f"/api/v1/{here}": (200, {"kind": "Namespace", "metadata": {"name": "dynamo"}}),
        f"/api/v1/{here}/services/chat-frontend:http/proxy/v1/models": (200, models),
    }


def refusal(code: int, message: str) -> Answer:
    return code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}


class Api:
    """A Kubernetes API on 127.0.0.1. `answers` may change while it runs; every other path is 404."""

    def __init__(self) -> None:
        self.answers = answers(WELL)
        self.delay = 0.0
        self.asked: list[tuple[str, str | None]] = []
        self.accepted: dict[str, str] = {}
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                api.asked.append((self.path, self.headers.get("Authorization")))
                api.accepted[self.path] = self.headers.get("Accept", "")
                time.sleep(api.delay)
                code, body = api.answers.get(
                    self.path, refusal(404, "the server could not find the requested resource")
                )
                sent = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                with contextlib.suppress(BrokenPipeError):  # the client did not wait for it
                    self.wfile.write(sent)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the tests read `asked`."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def write_kubeconfig(path: Path, server: str, context: str = CONTEXT) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in ("elsewhere", context)],
        "current-context": "elsewhere",
        "users": [{"name": "u", "user": {"token": TOKEN}}],
    }
    path.write_text(yaml.safe_dump(config))


@pytest.fixture
def api() -> Iterator[Api]:
    server = Api()
    yield server
    server.close()


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: Api) -> Callable[..., Result]:
    """Runs the command in this process, with a kubeconfig of that server."""
    path = tmp_path / "kubeconfig"
    write_kubeconfig(path, api.url)
    # Where the client looks is settled when it is imported.
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return lambda *words: CliRunner().invoke(cli.app, ["status", "--stack", "prod", *words])


def sentence(result: Result) -> str:
    """The one line on stderr of a run that failed and printed nothing else."""
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith("error: ")
    return result.stderr


def test_a_graph_that_is_ready_ends_with_0(asked: Callable[..., Result]) -> None:
    result = asked()
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        f"stack prod · {CONTEXT}",
        "└── chat",
        "    └── ready  all is well: every pod is Ready and routable, and the frontend lists the model",
        "        └── dynamographdeployment/chat",
    ]


def test_a_graph_that_waits_ends_with_1_and_says_for_what(asked: Callable[..., Result], api: Api) -> None:
    api.answers = answers(LOADING)
    result = asked()
    assert (result.exit_code, result.stderr) == (1, "")
    # The snapshot is taken now, and the pod of the test was started at a fixed moment.
    assert "loading  decode has been loading the model for " in result.stdout
    assert f"pod/{clusters.pod_name('decode')}" in result.stdout


def test_json_is_one_object_and_nothing_else(asked: Callable[..., Result]) -> None:
    result = asked("--json", "--graph", "chat")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "stack": "prod",
        "context": CONTEXT,
        "ready": True,
        "findings": [
            {
                "graph": "chat",
                "cause": "ready",
                "message": "all is well: every pod is Ready and routable, and the frontend lists the model",
                "objects": ["dynamographdeployment/chat"],
            }
        ],
    }


def test_it_reads_each_list_once_and_signs_in(asked: Callable[..., Result], api: Api) -> None:
    asked()
    assert sorted(path for path, _ in api.asked) == sorted(answers(WELL))
    assert {authorization for _, authorization in api.asked} == {f"Bearer {TOKEN}"}


def test_kinds_that_the_cluster_does_not_have_are_empty(asked: Callable[..., Result], api: Api) -> None:
    for path in [path for path in api.answers if "nvidia.com" in path]:
        del api.answers[path]
    result = asked()
    assert result.exit_code == 1
    assert "notDeployed  the DynamoGraphDeployment does not exist yet" in result.stdout


def test_a_model_list_that_cannot_be_read_hides_nothing_else(asked: Callable[..., Result], api: Api) -> None:
    (path,) = [path for path in api.answers if "/proxy/" in path]
    api.answers[path] = refusal(503, "no endpoints available for service")
    assert "its model list could not be read (the API server answered 503 for it)" in asked().stdout
    api.answers[path] = (200, b"<html>")
    assert "the answer was no model list: JSONDecodeError" in asked().stdout


BAD_ANSWERS = {
    "403": (
        refusal(403, 'namespaces "dynamo" is forbidden: User "me@example.com" cannot get resource'),
        'denies read access (namespaces "dynamo" is forbidden: User "me@example.com" cannot get resource); '
        "grant roles/container.viewer",
    ),
    "401": (refusal(401, "Unauthorized"), "does not accept your credentials; sign in with `gcloud auth login`"),
    "404": (refusal(404, 'namespaces "dynamo" not found'), "has no namespace dynamo"),
    "500": (refusal(500, "etcdserver: leader changed"), "answered 500: etcdserver: leader changed"),
    "502 of a proxy": ((502, b"<html>Bad Gateway</html>"), "answered 502: Bad Gateway"),
    "no JSON": ((200, b"<html>sign in</html>"), "is no Kubernetes API: its answer is not JSON"),
    "no object": ((200, b"[]"), "is no Kubernetes API: its answer is not JSON"),
}


@pytest.mark.parametrize("case", BAD_ANSWERS)
def test_a_bad_answer_is_one_sentence(asked: Callable[..., Result], api: Api, case: str) -> None:
    answer, says = BAD_ANSWERS[case]
    api.answers["/api/v1/namespaces/dynamo"] = answer
    assert says in sentence(asked())


def test_a_list_that_is_forbidden_is_one_sentence(asked: Callable[..., Result], api: Api) -> None:
    api.answers["/api/v1/nodes"] = refusal(
        403, 'nodes is forbidden: User "me@example.com" cannot list resource "nodes"'
    )
    assert "(nodes is forbidden: User" in sentence(asked())


def unread(result: Result) -> dict[str, Any]:
    """The one object on stdout of a run that could not read the cluster; the sentence is on stderr too."""
    reported = json.loads(result.stdout)
    assert (result.exit_code, reported["stack"], reported["ready"], reported["findings"]) == (1, "prod", False, [])
    assert result.stderr == f"error: {reported['error']}\n"
    return reported


def test_json_of_a_list_that_is_forbidden(asked: Callable[..., Result], api: Api) -> None:
    api.answers["/api/v1/nodes"] = refusal(403, "nodes is forbidden")
    reported = unread(asked("--json"))
    assert "(nodes is forbidden)" in reported["error"]
    assert reported["context"] == CONTEXT


@pytest.mark.parametrize("content", [None, "{", "contexts: []\ncurrent-context: x\n"])
def test_json_without_a_kubeconfig(asked: Callable[..., Result], tmp_path: Path, content: str | None) -> None:
    (tmp_path / "kubeconfig").unlink()
    if content:
        (tmp_path / "kubeconfig").write_text(content)
    assert "kubeconfig" in unread(asked("--json"))["error"]


def test_json_of_a_server_that_is_not_there(asked: Callable[..., Result], api: Api) -> None:
    api.close()
    assert "cannot be reached" in unread(asked("--json", "--watch"))["error"]


def test_json_of_an_invalid_configuration(asked: Callable[..., Result]) -> None:
    result = asked("--json", "--graph", "chta")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["faults"][0]["path"] == "--graph"


def test_the_records_of_helm_are_read_without_their_content(asked: Callable[..., Result], api: Api) -> None:
    api.answers = answers(replace(WELL, releases=(clusters.release(1, "pending-upgrade", 99),)))
    assert "helmRelease  the Helm release dynamo-platform has been pending-upgrade" in asked().stdout
    assert "as=PartialObjectMetadataList" in api.accepted["/api/v1/namespaces/dynamo-system/secrets"]


@pytest.mark.parametrize("code", [403, 404])
def test_secrets_that_may_not_be_read_hide_nothing_else(asked: Callable[..., Result], api: Api, code: int) -> None:
    api.answers["/api/v1/namespaces/dynamo-system/secrets"] = refusal(code, "secrets is forbidden")
    assert (asked().exit_code, asked().stderr) == (0, "")


def test_a_first_deployment_that_waits_for_its_weights(asked: Callable[..., Result], api: Api) -> None:
    card = PLAN.graphs[0].card
    job = names.weights_job(card.repository, card.revision or "")
    failed = clusters.job(job, clusters.cond("Failed", True, "BackoffLimitExceeded", "too often"))
    pod = clusters.job_pod(job, **clusters.ended("error: the hub rejects the token in HF_TOKEN (HTTP 403)"))
    api.answers = answers(replace(WELL, graphs=(), pods=(pod,), jobs=(failed,)))
    result = asked()
    assert result.exit_code == 1
    assert "weights  the weights of meta-llama/Llama-3.3-70B-Instruct were not fetched" in result.stdout
    assert "(HTTP 403)" in result.stdout


def test_a_failed_verification_ends_with_1(asked: Callable[..., Result], api: Api) -> None:
    failed = clusters.job("chat-proof-72e850f8", clusters.cond("Failed", True, "BackoffLimitExceeded", "too often"))
    api.answers = answers(replace(WELL, jobs=(failed,)))
    result = asked()
    assert result.exit_code == 1
    assert "verification  the verification failed" in result.stdout
    assert "all is well" not in result.stdout


HOSTILE = "no\r\n\x1b[2K\x1b]0;title\x07::error::forged\u2028\u202eready  all is well"


def test_what_the_cluster_says_cannot_forge_a_line_or_move_the_cursor(asked: Callable[..., Result], api: Api) -> None:
    says = clusters.cond("Ready", False, "KubeletNotReady", HOSTILE)
    api.answers = answers(
        clusters.changed(
            clusters.changed(WELL, clusters.node_name("decode"), {"status": {"conditions": [says]}}),
            clusters.pod_name("decode"),
            {"status": {"conditions": [clusters.cond("Ready", False)]}},
        )
    )
    for reported in (asked().stdout, json.loads(asked("--json").stdout)["findings"][0]["message"]):
        assert "KubeletNotReady: no ::error::forged ready all is well" in reported
        assert not {"\x1b", "\x07", "\r", "\u202e", "\u2028"} & set(reported)
    api.answers["/api/v1/nodes"] = refusal(500, HOSTILE)
    assert "answered 500: no ::error::forged ready all is well" in sentence(asked())


def test_no_answer_in_time_is_one_sentence_and_asked_once(
    asked: Callable[..., Result], api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_snapshot, "TIMEOUT", 0.2)
    api.delay = 1.0
    assert f"the cluster of context {CONTEXT} gave no answer within" in sentence(asked())
    assert len(api.asked) == 1


def test_a_server_that_is_not_there(asked: Callable[..., Result], api: Api) -> None:
    api.close()
    assert "cannot be reached: " in sentence(asked())


def test_a_server_without_tls(asked: Callable[..., Result], api: Api, tmp_path: Path) -> None:
    write_kubeconfig(tmp_path / "kubeconfig", api.url.replace("http:", "https:"))
    assert "cannot be reached" in sentence(asked())


def test_the_stacks_own_context_is_read_and_not_the_current_one(asked: Callable[..., Result], tmp_path: Path) -> None:
    write_kubeconfig(tmp_path / "kubeconfig", "http://127.0.0.1:1", context="gke_my-project_europe-west1_dynamo-dev")
    says = sentence(asked())
    assert f"no context {CONTEXT}; did you mean gke_my-project_europe-west1_dynamo-dev?; create it with `gcloud" in says


def test_another_context_by_name(asked: Callable[..., Result]) -> None:
    assert asked("--context", "elsewhere").stdout.startswith("stack prod · elsewhere\n")


@pytest.mark.parametrize("content", [None, "", "{", "contexts: [{name: x}]\ncurrent-context: x\n"])
def test_a_kubeconfig_that_is_none(asked: Callable[..., Result], tmp_path: Path, content: str | None) -> None:
    if content is None:
        (tmp_path / "kubeconfig").unlink()
    else:
        (tmp_path / "kubeconfig").write_text(content)
    assert "kubeconfig" in sentence(asked())


def test_a_graph_that_the_stack_does_not_have_is_an_error_of_configuration(asked: Callable[..., Result]) -> None:
    result = asked("--graph", "chta")
    assert (result.exit_code, result.stdout) == (2, "")
    assert '--graph: "chta" is not one of chat; did you mean chat?' in result.stderr


def test_watching_ends_when_all_is_ready(
    asked: Callable[..., Result], api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def becomes_ready(seconds: float) -> None:
        waits.append(seconds)
        api.answers = answers(WELL if len(waits) == 2 else LOADING)

    monkeypatch.setattr(watching, "sleep", becomes_ready)
    api.answers = answers(replace(LOADING, operators=(clusters.operator(available=False),)))
    result = asked("--watch")
    assert result.exit_code == 0
    assert waits == [watching.WATCH_EVERY] * 2
    assert (
        result.stdout.index("not available") < result.stdout.rindex("loading the model") < result.stdout.index("well")
    )


def test_watching_ends_when_its_time_is_over(
    asked: Callable[..., Result], api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "WATCH_EVERY", 0.05)
    monkeypatch.setattr(watching, "WATCH_FOR", 0.2)
    api.answers = answers(clusters.not_ready(WELL))
    result = asked("--watch", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["findings"][0]["cause"] == "unexplained"
    assert 2 <= [path for path, _ in api.asked].count("/api/v1/nodes") <= 5


def test_a_process_of_its_own_reads_kubeconfig_and_shows_no_token(
    tmp_path: Path, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_kubeconfig(tmp_path / "kubeconfig", api.url)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    done = ops("status", "--stack", "prod")
    assert (done.returncode, done.stderr) == (0, "")
    assert "all is well" in done.stdout
    api.answers["/api/v1/nodes"] = refusal(403, "nodes is forbidden")
    failed = ops("status", "--stack", "prod")
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
    assert TOKEN not in done.stdout + failed.stdout + failed.stderr
