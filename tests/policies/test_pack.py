"""The pack started as the engine starts it gives the verdicts that `ops preview` gives in its own process."""

import os
import re
import selectors
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from ops.offline import policy_config
from ops.offline.recorded import UNKNOWN, Recording, Resource
from ops.offline.verdicts import judge
from policies.rules import RULES
from tests.policies.mutations import changed, independent, prod, unprotected, without
from tests.stacks import ROOT, SHIPPED, recorded

START_SECONDS = 60
CALL_SECONDS = 30
LEVELS = {
    "advisory": analyzer_pb2.ADVISORY,
    "mandatory": analyzer_pb2.MANDATORY,
    "disabled": analyzer_pb2.DISABLED,
    "remediate": analyzer_pb2.REMEDIATE,
}


@pytest.fixture(scope="module")
def pack() -> Iterator[analyzer_pb2_grpc.AnalyzerStub]:
    process = subprocess.Popen(
        [sys.executable, "-u", "__main__.py"],
        cwd=ROOT / "policies",
        env={**os.environ, "PULUMI_CONFIG": "{}"},
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            assert selector.select(START_SECONDS), f"the pack printed no port within {START_SECONDS} s"
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
    finally:
        process.kill()
        process.wait(timeout=10)
        process.stdout.close()


def struct(value: dict[str, Any]) -> struct_pb2.Struct:
    def sent(here: Any) -> Any:
        if isinstance(here, dict):
            return {key: sent(inner) for key, inner in here.items()}
        if isinstance(here, list):
            return [sent(inner) for inner in here]
        return rpc.UNKNOWN if here == UNKNOWN else here

    message = struct_pb2.Struct()
    message.update(sent(value))
    return message


def request(resource: Resource, by_urn: dict[str, Resource]) -> dict[str, Any]:
    provider = by_urn.get(resource.provider or "")
    return {
        "type": resource.type,
        "properties": struct(resource.inputs),
        "urn": resource.urn,
        "name": resource.name,
        "options": analyzer_pb2.AnalyzerResourceOptions(protect=resource.options.get("protect", False)),
        "provider": provider
        and analyzer_pb2.AnalyzerProviderResource(
            type=provider.type, properties=struct(provider.inputs), urn=provider.urn, name=provider.name
        ),
    }


def outputs(fields: dict[str, Any]) -> dict[str, Any]:
    """What the engine knows of a resource after the first preview of a stack: nothing of the cluster's objects."""
    return {"properties": struct_pb2.Struct()} if fields["type"].startswith("kubernetes:") else {}


def asked(
    pack: analyzer_pb2_grpc.AnalyzerStub, recording: Recording, config: dict[str, Any]
) -> list[tuple[str, str, int, str]]:
    """The verdicts of the pack over gRPC: URN, rule, level, message."""
    configs = {
        name: analyzer_pb2.PolicyConfig(enforcementLevel=LEVELS[found.level.value], properties=struct(found.settings))
        for name, found in policy_config.resolve(RULES, config).items()
    }
    pack.Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig=configs), timeout=CALL_SECONDS)
    by_urn = recording.by_urn()
    requests = {urn: request(resource, by_urn) for urn, resource in by_urn.items()}
    found: list[tuple[str, str, int, str]] = []

    def keep(response: analyzer_pb2.AnalyzeResponse, urn: str) -> None:
        for diagnostic in response.diagnostics:
            message = diagnostic.message.removeprefix(f"{diagnostic.description}\n")
            message = re.sub(
                r"can't run policy '[^']*' from policy pack '[^']*' during", "can't run during", message, count=1
            )
            found.append((diagnostic.urn or urn, diagnostic.policyName, diagnostic.enforcementLevel, message))

    for urn, fields in requests.items():
        keep(pack.Analyze(analyzer_pb2.AnalyzeRequest(**fields), timeout=CALL_SECONDS), urn)
    stack = [
        analyzer_pb2.AnalyzerResource(
            **(fields | outputs(fields)), parent=by_urn[urn].parent or "", dependencies=list(by_urn[urn].depends_on)
        )
        for urn, fields in requests.items()
    ]
    keep(pack.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=stack), timeout=CALL_SECONDS), "")
    return sorted(found)


def in_process(recording: Recording, config: dict[str, Any]) -> list[tuple[str, str, int, str]]:
    return sorted((v.urn, v.policy, LEVELS[v.level], v.message) for v in judge(recording, config))


def test_the_pack_lists_its_rules(pack: analyzer_pb2_grpc.AnalyzerStub) -> None:
    info = pack.GetAnalyzerInfo(empty_pb2.Empty(), timeout=CALL_SECONDS)
    assert (info.name, info.supportsConfig) == ("dynamo-gke", True)
    assert [policy.name for policy in info.policies] == [rule.name for rule in RULES]
    assert all(policy.severity and policy.remediation_steps and policy.description for policy in info.policies)


@pytest.mark.parametrize("stack", SHIPPED)
def test_the_shipped_stacks_pass_over_grpc(pack: analyzer_pb2_grpc.AnalyzerStub, stack: str) -> None:
    assert asked(pack, recorded(stack), policy_config.read(ROOT, stack)) == []


def wrong_in_many_ways() -> Recording:
    recording = without(prod(), ":PodMonitoring")
    recording = unprotected(recording, ":Bucket", "weights-bucket")
    recording = independent(recording, ":ServingGraph", "chat")
    for suffix, name, path, value in (
        (":NodePool", "prefill-pool", "nodeCount", 9),
        (":NodePool", "decode-pool", "upgradeSettings.maxSurge", 1),
        (":Release", "platform-release", "version", "1.x"),
        (":Cluster", "cluster-cluster", "privateClusterConfig.enablePrivateNodes", UNKNOWN),
        (":Job", "chat-proof-job", "spec.template.spec.containers[0].args", UNKNOWN),
        (":ConfigMap", "chat-proof-script", "data.token", "hf_" + "a" * 34),
        ("DynamoGraphDeployment", "chat-graph", "spec.components[1].podTemplate.spec.resourceClaims", []),
    ):
        recording = changed(recording, suffix, name, path, value)
    return recording


@pytest.mark.parametrize(
    "config",
    [
        lambda: {},
        lambda: policy_config.read(ROOT, "prod"),
        lambda: {"all": "advisory", "labelled": {"labels": ["team"]}, "has-budget": {"required": True}},
        lambda: {"pinned": "disabled", "gpu-budget": {"nodes": 20}, "protected": "remediate"},
    ],
    ids=["defaults", "prod", "advisory", "mixed"],
)
def test_verdicts_are_the_same_over_grpc(
    pack: analyzer_pb2_grpc.AnalyzerStub, config: Callable[[], dict[str, Any]]
) -> None:
    recording = wrong_in_many_ways()
    expected = in_process(recording, config())
    assert len({policy for _, policy, _, _ in expected}) >= 8
    assert asked(pack, recording, config()) == expected
