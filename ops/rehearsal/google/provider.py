"""Stand-in of Google's provider, as Pulumi's engine calls it. What it creates exists in one file.

Not shown by it: refusals of Google's APIs beyond those in `operations`, quotas, IAM, prices and time. Its tables of the
provider's schema are those of the forecasts, which a rehearsal therefore cannot judge (`schema`).
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import grpc
from google.protobuf import any_pb2, empty_pb2, struct_pb2
from google.rpc import status_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from ops.changes.gcp_inputs import sdk_version
from ops.rehearsal.errors import RehearsalError
from ops.rehearsal.google import answers, buckets, changes, operations, outputs
from ops.rehearsal.google.changes import Change, Kind
from ops.rehearsal.google.cloud import Cloud, Resource
from ops.rehearsal.google.failures import Failing
from ops.rehearsal.google.faults import Faults, Operation
from ops.rehearsal.google.gke import Gke
from ops.rehearsal.google.inputs import DEFAULTS, named, refusals
from ops.rehearsal.google.operations import ApiError
from ops.rehearsal.google.outputs import Provider
from ops.rehearsal.google.providers import Providers, provider_changes
from ops.rehearsal.google.wire import decode, encode, plain
from ops.rehearsal.world import World
from policies import kinds

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Kinds = provider_pb2.PropertyDiff
_KIND = {
    Kind.ADD: (_Kinds.ADD, _Kinds.ADD_REPLACE),
    Kind.UPDATE: (_Kinds.UPDATE, _Kinds.UPDATE_REPLACE),
    Kind.DELETE: (_Kinds.DELETE, _Kinds.DELETE_REPLACE),
}


class _Incomplete(Exception):
    """The resource exists, but not as it should. Pulumi keeps it in its state."""

    def __init__(self, resource: Resource, inputs: struct_pb2.Struct, why: str) -> None:
        super().__init__(why)
        self.detail = any_pb2.Any()
        self.detail.Pack(
            provider_pb2.ErrorResourceInitFailed(
                id=resource.id, properties=_shown(resource, decode(inputs)), reasons=[why], inputs=inputs
            )
        )


def _answered(method: Callable[_P, _T]) -> Callable[_P, _T]:
    """The method with refusals of Google Cloud as errors of the call."""

    @wraps(method)
    def answered(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        context: Any = args[-1]
        try:
            return method(*args, **kwargs)
        except _Incomplete as error:
            status = status_pb2.Status(
                code=grpc.StatusCode.UNKNOWN.value[0], message=str(error), details=[error.detail]
            )
            context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
            why = str(error)
        except (ApiError, RehearsalError) as error:
            why = str(error)
        context.abort(grpc.StatusCode.UNKNOWN, why)
        raise AssertionError("abort raises")

    return answered


class GoogleProvider(provider_pb2_grpc.ResourceProviderServicer):
    """The stand-in for one command of Pulumi. The next one's shares its World."""

    def __init__(self, world: World) -> None:
        self._world = world
        # A simulated cloud without a cluster suffices for tests of what the engine does in Google Cloud.
        self._gke = Gke(world) if world.kubeconfig.exists() else None
        self._cloud = Cloud(world.cloud)
        self._cancelled = threading.Event()
        self._failing = Failing(Faults(world.faults), self._cancelled)
        self._providers: dict[str, Providers] = defaultdict(Providers)
        """By connection: a connection may serve several providers."""

    def Handshake(self, request: Any, context: Any) -> provider_pb2.ProviderHandshakeResponse:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: Any, context: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=sdk_version())

    def cancel(self) -> None:
        """Ends the waits for faults that pass."""
        self._cancelled.set()

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        self.cancel()
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        olds = request.old_inputs if request.old_inputs.fields else request.olds
        return _diff(provider_changes(decode(olds), decode(request.news)), input_diff=True)

    def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:
        self._cancelled.clear()
        self._providers[context.peer()].configure(request.urn, decode(request.args))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @_answered
    def Invoke(self, request: Any, context: Any) -> provider_pb2.InvokeResponse:
        found = answers.answer(self._world, request.tok, plain(decode(request.args)))
        return provider_pb2.InvokeResponse(**{"return": encode(found)})  # pyright: ignore[reportArgumentType] - a keyword of Python

    @_answered
    def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        type_, logical = _type(request.urn), request.urn.rpartition("::")[2]
        if type_ not in outputs.IDS:
            raise ApiError(f"the simulated Google Cloud has no {type_}; ids of resources are in {outputs.__name__}")
        news = named(type_, logical, request.randomSeed, decode(request.news), decode(request.olds))
        failures = [
            provider_pb2.CheckFailure(property=refusal.path, reason=f"{refusal.path} {refusal.reason}")
            for refusal in refusals(type_, news)
        ]
        return provider_pb2.CheckResponse(inputs=encode(news), failures=failures)

    def Diff(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        type_ = _type(request.urn)
        news: dict[str, Any] = plain(decode(request.news))
        defaults = news.pop(DEFAULTS, [])
        state = plain(decode(request.olds))
        found = changes.changes(type_, state, news, self._settings(context).labels)
        found = changes.ignored(found, request.ignoreChanges)
        response = _diff(found, input_diff=False)
        response.stables.extend(changes.stable(type_, found))
        response.deleteBeforeReplace = bool(response.replaces) and changes.deletes_first(type_, news, defaults)
        return response

    @_answered
    def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:
        type_ = _type(request.urn)
        inputs = _without_defaults(decode(request.properties))
        provider = self._settings(context)
        if request.preview:
            state = outputs.previewed(type_, {**outputs.planned(type_, inputs, provider), **inputs})
            return provider_pb2.CreateResponse(properties=encode(state))
        outcome = self._failing.meet(type_, request.urn, Operation.CREATE)
        with self._cloud.change() as content:
            resource = operations.create(content, type_, request.urn, inputs, provider)
            if outcome and not outcome.nodes:
                resource.status = operations.ERROR
        if self._gke:
            self._gke.created(resource)
        if outcome and type_ == kinds.NODE_POOL:
            raise _Incomplete(resource, request.properties, outcome.words)
        if outcome and type_ == kinds.CLUSTER:  # the provider deletes a cluster whose creation failed
            self._delete(type_, resource.id)
        if outcome:
            # The provider forgets the id ("The resource didn't actually create"), whatever Google Cloud does later.
            raise ApiError(f"error waiting to create {_word(type_)}: {outcome.words}")
        return provider_pb2.CreateResponse(id=resource.id, properties=_shown(resource, inputs))

    @_answered
    def Read(self, request: Any, context: Any) -> provider_pb2.ReadResponse:
        type_ = _type(request.urn)
        self._failing.meet(type_, request.urn, Operation.READ)
        resource = self._cloud.find(type_, request.id)
        if not resource:
            return provider_pb2.ReadResponse()
        state = operations.revealed(resource.state, decode(request.properties))
        inputs = decode(request.inputs)
        defaults = {DEFAULTS: inputs[DEFAULTS]} if DEFAULTS in inputs else {}
        given = _without_defaults(inputs)
        found = operations.as_inputs(given, state) if given else operations.imported(type_, state)
        return provider_pb2.ReadResponse(id=request.id, properties=encode(state), inputs=encode(found | defaults))

    @_answered
    def Update(self, request: Any, context: Any) -> provider_pb2.UpdateResponse:
        type_ = _type(request.urn)
        inputs, olds = _without_defaults(decode(request.news)), decode(request.olds)
        provider = self._settings(context)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=encode(operations.updated(type_, olds, inputs, provider)))
        outcome = self._failing.meet(type_, request.urn, Operation.UPDATE)
        with self._cloud.change() as content:
            before = content.find(type_, request.id)
            was = dict(before.state) if before else {}
            resource = operations.update(content, type_, request.id, inputs, provider)
        if self._gke:
            self._gke.updated(was, resource)
        if outcome:
            raise _Incomplete(resource, request.news, outcome.words)
        return provider_pb2.UpdateResponse(properties=_shown(resource, {**olds, **inputs}))

    @_answered
    def Delete(self, request: Any, context: Any) -> empty_pb2.Empty:
        type_ = _type(request.urn)
        outcome = self._failing.meet(type_, request.urn, Operation.DELETE)
        self._delete(type_, request.id)
        if outcome:
            raise ApiError(f"error waiting to delete {_word(type_)}: {outcome.words}")
        return empty_pb2.Empty()

    def _delete(self, type_: str, id_: str) -> None:
        with self._cloud.change() as content:
            gone = operations.delete(content, type_, id_)
            for bucket in gone:
                if bucket.type == kinds.BUCKET:
                    buckets.delete(self._world, bucket.state)
        if self._gke:
            self._gke.deleted(gone)

    def _settings(self, context: Any) -> Provider:
        return self._providers[context.peer()].settings


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _word(type_: str) -> str:
    return type_.rpartition(":")[2]


def _without_defaults(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in inputs.items() if key != DEFAULTS}


def _shown(resource: Resource, known: Mapping[str, Any]) -> struct_pb2.Struct:
    """The state as Pulumi keeps it, with the secrets of the program's inputs."""
    return encode(operations.revealed(resource.state, known))


def _diff(found: Sequence[Change], *, input_diff: bool) -> provider_pb2.DiffResponse:
    """A response as the bridge gives it: details by path, the rest by top-level property."""
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
        replaces=sorted({change.top for change in found if change.replaces}),
        diffs=sorted({change.top for change in found}),
        detailedDiff={
            change.path: provider_pb2.PropertyDiff(kind=_KIND[change.kind][change.replaces], inputDiff=input_diff)
            for change in found
        },
        hasDetailedDiff=True,
    )
