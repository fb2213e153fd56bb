"""The addresses of docs/call.md are those that prod renders: service, port, label, outputs, the gateway's host."""

import json
import re
from dataclasses import replace

from manifests import labels, ports
from ops.offline import stackfile
from ops.offline.recording import record
from planning import names
from planning.load import load
from planning.plan import plan
from tests.stacks import ROOT, recorded

PAGE = (ROOT / "docs/call.md").read_text(encoding="utf-8")
GATEWAY = re.search(r"dynamo-gke:(endpoint): (\{exposure: gateway.*\})", PAGE)


def test_the_service_is_the_graphs_frontend() -> None:
    (graph,) = plan(load(stackfile.read(ROOT, "prod", []))).graphs
    service, namespace = names.frontend_service(graph.name), graph.namespace
    assert f"http://{service}.{namespace}.svc.cluster.local:{ports.FRONTEND}/v1/models" in PAGE
    assert f"kubectl -n {namespace} port-forward service/{service} {ports.FRONTEND}:{ports.FRONTEND} " in PAGE


def test_the_label_is_the_one_that_lets_clients_in() -> None:
    allowed = json.dumps([r.inputs for r in recorded("prod").resources if r.type.endswith(":NetworkPolicy")])
    assert f'"matchLabels": {{"{labels.CLIENT}": "true"}}' in allowed
    assert f"kubectl label namespace YOUR-NAMESPACE {labels.CLIENT}=true" in PAGE


def test_the_outputs_exist_and_say_what_the_page_says() -> None:
    up = recorded("prod", preview=False)
    assert list(up.outputs["endpoints"]) == ["chat"]
    assert str(up.outputs["endpoints"]["chat"]).startswith("http://")
    service = next(r for r in up.resources if r.name == "chat-endpoint-service")
    assert [port["port"] for port in service.inputs["spec"]["ports"]] == [80]
    assert str(up.outputs["kubeconfigCommand"]).replace("my-project", "YOUR-PROJECT") in PAGE


def test_the_gateway_answers_at_the_host_of_the_page() -> None:
    assert GATEWAY
    config = stackfile.read(ROOT, "prod", [f"endpoint={GATEWAY[2]}"])
    found = record(ROOT, replace(config, secrets=config.secrets | {"dynamo-gke:hfToken"}), preview=False)
    assert found.outputs["endpoints"] == {"chat": "https://chat.llm.example.com"}
    assert set(re.findall(r"pulumi stack output (\w+)", PAGE)) == {"endpoints", "dnsRecords"} <= found.outputs.keys()
    assert "https://chat.llm.example.com" in PAGE
