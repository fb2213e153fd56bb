"""The whole program in this process, on Pulumi's mock monitor, every registration recorded as it was sent.

No cloud, no Pulumi binary. The only module that touches Pulumi's semi-private names; they are pinned with it.
"""

import asyncio
import contextlib
import contextvars
import os
import re
import runpy
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pulumi
from google.protobuf import struct_pb2
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime import stack as runtime_stack
from pulumi.runtime.proto import alias_pb2, resource_pb2

from settings.stack_config import StackConfig

PROJECT = "dynamo-gke"
UNKNOWN = "[unknown]"
SECRET = "[secret]"

GET_CLUSTER = "gcp:container/getCluster:getCluster"

# What the program asks of Google Cloud while it runs, answered without asking: `up` needs some value.
CANNED_ANSWERS: Mapping[str, dict[str, Any]] = {
    "gcp:cloudquota/getSQuotaInfo:getSQuotaInfo": {"dimensionsInfos": [{"details": [{"value": "-1"}]}]},
    "gcp:compute/getMachineTypes:getMachineTypes": {"machineTypes": [{"name": "a3-ultragpu-8g"}]},
    "gcp:compute/getReservation:getReservation": {
        "status": "READY",
        "specificReservations": [
            {"count": 1000, "inUseCount": 0, "instanceProperties": [{"machineType": "a3-ultragpu-8g"}]}
        ],
    },
    "gcp:compute/getReservationBlock:getReservationBlock": {"blockCount": 1000, "inUseCount": 0},
    "gcp:compute/getReservationSubBlock:getReservationSubBlock": {"subBlockCount": 1000, "inUseCount": 0},
    "gcp:container/getEngineVersions:getEngineVersions": {
        "releaseChannelLatestVersion": dict.fromkeys(("RAPID", "REGULAR", "STABLE"), "1.35.8-gke.1036000")
    },
    # No bucket is left from an earlier stack.
    "gcp:storage/getBucket:getBucket": {"location": ""},
    "gcp:kms/getKMSCryptoKey:getKMSCryptoKey": {"id": "example"},
    "gcp:organizations/getBillingAccount:getBillingAccount": {"currencyCode": "USD"},
    "gcp:organizations/getClientConfig:getClientConfig": {"accessToken": ""},  # without one, nothing leaves here
    # A cluster and a subnet that are there.
    GET_CLUSTER: {
        "masterVersion": "1.35.8-gke.1036000",
        "datapathProvider": "ADVANCED_DATAPATH",
        "enableMultiNetworking": True,
        "controlPlaneEndpointsConfigs": [
            {"dnsEndpointConfigs": [{"endpoint": "gke-existing.europe-west1.gke.goog", "allowExternalTraffic": True}]}
        ],
        "addonsConfigs": [{"gcsFuseCsiDriverConfigs": [{"enabled": True}]}],
        "gatewayApiConfigs": [{"channel": "CHANNEL_STANDARD"}],
        "secretSyncConfigs": [{"enabled": True}],
        "subnetwork": "projects/my-project/regions/europe-west1/subnetworks/existing",
    },
    "gcp:compute/getSubnetwork:getSubnetwork": {"ipCidrRange": UNKNOWN},
    # The number of the project, which IAM wants for a Kubernetes service account; made up.
    "gcp:organizations/getProject:getProject": {
        "projectId": "my-project",
        "number": "123456789012",
        "billingAccount": "000000-AAAAAA-BBBBBB",
    },
}

Answers = Callable[[mocks.MockCallArgs], dict[str, Any]]
"""What Google Cloud answers. A `grpc.RpcError` that it raises is an error of Google Cloud; others end the program."""


def canned(args: mocks.MockCallArgs) -> dict[str, Any]:
    answer = dict(CANNED_ANSWERS[args.token])
    if args.token == GET_CLUSTER:
        answer["workloadIdentityConfigs"] = [{"workloadPool": f"{args.args['project']}.svc.id.goog"}]
    return answer


# What Google Cloud computes and the program reads on; a preview leaves them unknown, `up` needs them.
COMPUTED: Mapping[str, dict[str, Any]] = {
    "gcp:certificatemanager/dnsAuthorization:DnsAuthorization": {
        "dnsResourceRecords": [{"name": "_acme-challenge.example.com.", "type": "CNAME", "data": "example.goog."}]
    },
    "gcp:compute/address:Address": {"address": "10.0.0.100"},
    "gcp:container/cluster:Cluster": {
        "controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"endpoint": "gke-example.europe-west1.gke.goog"}}
    },
    "kubernetes:core/v1:Service": {"status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.100"}]}}},
    "gcp:monitoring/notificationChannel:NotificationChannel": {"name": "projects/my-project/notificationChannels/1"},
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": {
        "name": "projects/123456789012/locations/global/workloadIdentityPools/example"
    },
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": {
        "name": "projects/123456789012/locations/global/workloadIdentityPools/example/providers/example"
    },
}


def _computed(args: mocks.MockResourceArgs) -> Mapping[str, Any]:
    """COMPUTED, and of a service account what follows from its id."""
    if args.typ != "gcp:serviceaccount/account:Account":
        return COMPUTED.get(args.typ, {})
    project = args.inputs["project"]
    email = f"{args.inputs['accountId']}@{project}.iam.gserviceaccount.com"
    return {
        "email": email,
        "member": f"serviceAccount:{email}",
        "name": f"projects/{project}/serviceAccounts/{email}",
    }


class ProgramFailed(Exception):
    """The program raised; the message is what a person needs of it."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One registration as plain data, secrets replaced by `[secret]`, what only the cloud knows by `[unknown]`."""

    urn: str
    type: str
    name: str
    parent: str | None
    provider: str | None
    """URN of the explicit provider; None for one that Pulumi would make by default."""
    inputs: dict[str, Any]
    depends_on: tuple[str, ...]
    options: dict[str, Any]
    secret_paths: tuple[str, ...]

    def to_wire(self) -> dict[str, Any]:
        return {
            "urn": self.urn,
            "type": self.type,
            "name": self.name,
            "parent": self.parent,
            "provider": self.provider,
            "inputs": self.inputs,
            "dependsOn": list(self.depends_on),
            "options": self.options,
            "secretPaths": list(self.secret_paths),
        }


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What a run of the program registered, sorted by URN, and its stack outputs."""

    resources: tuple[Resource, ...]
    outputs: dict[str, Any]

    def by_urn(self) -> dict[str, Resource]:
        return {resource.urn: resource for resource in self.resources}


class _Cloud(mocks.Mocks):
    """A cloud that accepts everything: each resource gets its inputs back, in `up` an id and computed values too."""

    def __init__(self, preview: bool, answers: Answers) -> None:
        self.preview = preview
        self.answers = answers

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        computed = _computed(args)
        if self.preview:  # an output that is not returned is unknown
            return "", {key: value for key, value in args.inputs.items() if key not in computed}
        return f"{args.name}-id", {**args.inputs, **computed}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        return self.answers(args), []


class _Recorder(mocks.MockMonitor):
    """Keeps each request. Names resources by the rule of the real engine and refuses a URN that comes twice."""

    def __init__(self, cloud: _Cloud) -> None:
        super().__init__(cloud)
        self.requests: dict[str, resource_pb2.RegisterResourceRequest] = {}
        self.outputs: struct_pb2.Struct | None = None

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        return _urn(parent, type_, name)

    def RegisterResource(self, request: Any) -> Any:
        response = super().RegisterResource(request)
        if response.urn in self.requests:
            raise ProgramFailed(f"two resources have the same URN: {response.urn}")
        self.requests[response.urn] = request
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if "::pulumi:pulumi:Stack::" in request.urn:
            self.outputs = request.outputs
        return super().RegisterResourceOutputs(request)


def record(
    root: Path, config: StackConfig, *, project: str = PROJECT, preview: bool = True, answers: Answers = canned
) -> Recording:
    """Runs `__main__.py` of `root` for a stack of `project`. Raises ProgramFailed with the sentence it failed with."""
    return contextvars.copy_context().run(
        record_program,
        lambda: run_main(root),
        stack=config.stack,
        config={**config.values, **dict.fromkeys(config.secrets, SECRET)},
        secret_keys=sorted(config.secrets),
        preview=preview,
        project=project,
        answers=answers,
    )


def run_main(root: Path) -> None:
    """Runs the program of `root` as Pulumi's language host does."""
    runpy.run_path(str(root / "__main__.py"), run_name="__main__")


def record_program(
    program: Callable[[], None],
    *,
    stack: str,
    config: dict[str, str],
    secret_keys: list[str],
    preview: bool,
    project: str = PROJECT,
    answers: Answers = canned,
) -> Recording:
    """Runs any Pulumi program in this context, whose config and settings it changes: call it in a copied one."""
    recorder = _Recorder(_Cloud(preview, answers))
    pulumi.runtime.set_all_config(config, secret_keys)
    settings.set_root_resource(None)  # type: ignore[arg-type] - the SDK's own way to start afresh
    settings.configure(
        mocks.MockSettings(
            monitor=recorder,
            engine=_QuietEngine(None),
            callbacks=None,
            monitor_features=set(recorder.GetDeploymentInfo(None).supportedFeatures),
            project=project,
            stack=stack,
            organization="organization",
            dry_run=preview,
        )
    )
    loop = asyncio.new_event_loop()
    # One failed resource leaves hundreds of tasks behind, whose unretrieved exceptions would bury the cause below.
    loop.set_exception_handler(lambda _loop, _context: None)
    # The mock monitor makes an event loop in each thread that it is called in and leaves it open: one thread, closed.
    thread = ThreadPoolExecutor(max_workers=1)
    loop.set_default_executor(thread)
    cwd, path = Path.cwd(), list(sys.path)
    try:
        asyncio.set_event_loop(loop)
        with mock.patch.object(runtime_stack, "wait_for_rpcs", _quiescence):
            loop.run_until_complete(runtime_stack.run_in_stack(program))
    except pulumi.RunError as error:
        raise ProgramFailed(str(error)) from error
    except ProgramFailed:
        raise
    except Exception as error:  # the program's own, of any kind: a fault of ours, told in a sentence
        raise ProgramFailed(f"the program failed: {type(error).__name__}: {error}") from error
    finally:
        left_over = asyncio.all_tasks(loop)
        for task in left_over:
            task.cancel()
        if left_over:
            loop.run_until_complete(asyncio.wait(left_over, timeout=5))
        thread.submit(_close_loop_of_thread).result()
        thread.shutdown()
        asyncio.set_event_loop(None)
        loop.close()
        # What a failed run has left must not meet the loop of the next.
        settings._get_rpc_manager().clear()
        state: Any = settings.SETTINGS
        state.outputs.clear()
        os.chdir(cwd)
        sys.path[:] = path
    return _recording(recorder)


async def _quiescence(await_all_outstanding_tasks: bool = True) -> None:
    """The SDK's own wait for all that is under way, less its cost.

    The SDK waits for the first output to finish, again and again over all that are left: quadratic, and half the time
    of a preview. Waiting for all, or the first that fails, comes to the same.
    """
    manager = settings._get_rpc_manager()
    state: Any = settings.SETTINGS
    while manager.rpcs or (state.outputs and await_all_outstanding_tasks):
        while manager.rpcs:
            await asyncio.sleep(0)
            await manager.rpcs.pop()
        if manager.unhandled_exception is not None:
            raise manager.unhandled_exception.with_traceback(manager.exception_traceback)
        with state.lock:
            pending = list(state.outputs)
            state.outputs.clear()
        if pending:
            done, rest = await asyncio.wait(pending, return_when=asyncio.FIRST_EXCEPTION)
            with state.lock:
                state.outputs.update(rest)
            for task in done:
                await task


def _close_loop_of_thread() -> None:
    with contextlib.suppress(RuntimeError):  # there is none when nothing was registered
        asyncio.get_event_loop().close()


class _QuietEngine(mocks.MockEngine):
    """Drops what the program logs: its warnings are in the plan, which is shown as such."""

    def Log(self, request: Any) -> Any:
        return struct_pb2.Value()


def _recording(recorder: _Recorder) -> Recording:
    resources = [
        _resource(urn, request) for urn, request in recorder.requests.items() if request.type != "pulumi:pulumi:Stack"
    ]
    outputs, _ = _plain(recorder.outputs) if recorder.outputs else ({}, [])
    return Recording(resources=tuple(sorted(resources, key=lambda r: r.urn)), outputs=outputs)


def _urn(parent: str, type_: str, name: str) -> str:
    chain = [part for part in parent.split("::")[2].split("$") if part != "pulumi:pulumi:Stack"] if parent else []
    qualified = "$".join([*chain, type_])
    return f"urn:pulumi:{settings.get_stack()}::{settings.get_project()}::{qualified}::{name}"


def _former_urn(alias: alias_pb2.Alias, request: resource_pb2.RegisterResourceRequest) -> str:
    """The URN that an alias stands for: what it leaves out is as it is now."""
    if alias.urn:
        return alias.urn
    former = alias.spec
    parent = "" if former.noParent else former.parentUrn or request.parent
    return _urn(parent, former.type or request.type, former.name or request.name)


def _resource(urn: str, request: resource_pb2.RegisterResourceRequest) -> Resource:
    inputs, secret_paths = _plain(request.object)
    provider = request.provider.rpartition("::")[0] or None  # "<urn>::<id>"
    options: dict[str, Any] = {
        "protect": request.protect,
        "retainOnDelete": request.retainOnDelete,
        "ignoreChanges": list(request.ignoreChanges),
        "replaceOnChanges": list(request.replaceOnChanges),
        "aliases": [_former_urn(alias, request) for alias in request.aliases],
        "customTimeouts": {
            step: getattr(request.customTimeouts, step)
            for step in ("create", "update", "delete")
            if getattr(request.customTimeouts, step)
        },
    }
    # Input → URNs of the resources whose outputs it holds.
    options["propertyDependencies"] = {
        key: sorted(found.urns) for key, found in sorted(request.propertyDependencies.items()) if found.urns
    }
    options = {key: value for key, value in options.items() if value}
    if request.deleteBeforeReplaceDefined:  # a False is an order, too: the provider may ask for the opposite
        options["deleteBeforeReplace"] = request.deleteBeforeReplace
    return Resource(
        urn=urn,
        type=request.type,
        name=request.name,
        parent=request.parent or None,
        provider=provider,
        inputs=inputs,
        depends_on=tuple(sorted(request.dependencies)),
        options=options,
        secret_paths=tuple(secret_paths),
    )


def _plain(struct: struct_pb2.Struct) -> tuple[dict[str, Any], list[str]]:
    """A request's struct as plain data, and the paths of what was marked secret in it."""
    secrets: list[str] = []

    def walk(value: struct_pb2.Value, path: str) -> Any:
        match value.WhichOneof("kind"):
            case "struct_value":
                return walk_struct(value.struct_value, path)
            case "list_value":
                return [walk(item, f"{path}[{i}]") for i, item in enumerate(value.list_value.values)]
            case "number_value":
                number = value.number_value
                return int(number) if number.is_integer() else number
            case "string_value":
                return UNKNOWN if value.string_value == rpc.UNKNOWN else value.string_value
            case "bool_value":
                return value.bool_value
            case _:
                return None

    def masked(value: struct_pb2.Value) -> Any:
        """The keys of a secret object with `[secret]` for values, so that a rendered Secret is still an object."""
        if value.WhichOneof("kind") == "struct_value":
            return dict.fromkeys(sorted(value.struct_value.fields), SECRET)
        return SECRET

    def walk_struct(inner: struct_pb2.Struct, path: str) -> Any:
        signature = inner.fields[rpc._special_sig_key].string_value if rpc._special_sig_key in inner.fields else ""
        if signature == rpc._special_secret_sig:
            secrets.append(path)
            return masked(inner.fields["value"])
        return {key: walk(inner.fields[key], f"{path}.{key}".lstrip(".")) for key in sorted(inner.fields)}

    return walk_struct(struct, ""), sorted(secrets, key=_natural)


def _natural(path: str) -> list[Any]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path)]
