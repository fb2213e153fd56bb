"""What a well-formed stack can still get wrong, against catalogue, machine and rules of the engine."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from catalog import kv_split, sizing, versions
from catalog.contracts import Role
from catalog.flags.batch import batch
from catalog.flags.given import Workers
from catalog.machines import GPU_MACHINE, Gpus, Machine, machine
from catalog.models import Card, Layout, Placement, RoleLayout, card, card_names
from catalog.rdma import KvTransfer, RdmaMode
from planning import extra_args, place
from planning.pools import Engines, NodeCount, node_counts, pool_name
from reading.errors import ConfigInvalid, Fault, Way, closest, join, shown
from settings.schema import EngineSettings, ModelSettings, Settings, VerificationMode


def faults(settings: Settings) -> list[Fault]:
    """Every fault of a stack whose shape is right."""
    found = [*_secret_faults(settings), *_version_faults(settings)]
    needs_gpus: list[str] = []
    engines: list[Engines] = []
    node = machine(GPU_MACHINE)
    for name, model in settings.models.items():
        path = join("models", name)
        known = list(_unknown_names(path, model))
        found += known
        if known:
            continue
        chosen, layout = card(model.model), card(model.model).layouts[model.layout]
        found += _override_faults(path, model, layout)
        if model.kv_transfer and kv_transfer(model, layout) is None:
            found.append(
                Fault(
                    join(path, "kvTransfer"),
                    f"{model.kv_transfer} has no effect: layout {model.layout} moves no KV cache between GPUs of "
                    "different pods; remove it",
                )
            )
        found += _flag_faults(path, chosen, model, layout)
        found += _length_faults(path, chosen, model)
        if layout.placement is Placement.CPU:
            continue
        needs_gpus.append(path)
        found += _engine_faults(path, chosen, model, layout, node)
        engines += gpu_engines(name, model, layout)
        if kv_transfer(model, layout) is KvTransfer.RDMA:
            found += _nic_faults(path, chosen, model, layout, settings.network.rdma, node)
    if needs_gpus and settings.capacity is None and settings.makes_gpu_pools:
        found.append(
            Fault("capacity", f"is required: {', '.join(needs_gpus)} needs GPU nodes; for example {{mode: spot}}")
        )
    assert node.gpus is not None  # GPU_MACHINE has them
    counts = node_counts(engines, node.gpus.count)
    found += _too_many_nodes(settings, counts)
    found += place.faults(settings, sum(count.most_nodes for count in counts.values()), node)
    return found


def kv_transfer(model: ModelSettings, layout: Layout) -> KvTransfer | None:
    """What KV cache moves over; None where none moves: in an aggregated layout, and between simulated engines."""
    if not layout.prefill or layout.placement is Placement.CPU:
        return None
    return model.kv_transfer or KvTransfer.RDMA


def gpu_engines(graph: str, model: ModelSettings, layout: Layout) -> Iterator[Engines]:
    """What a graph needs nodes for; nothing of a simulated one."""
    if layout.placement is Placement.CPU:
        return
    for role, given in effective_roles(model, layout).items():
        yield Engines(
            graph=graph,
            pool=pool_name(layout.placement, role),
            gpus_each=given.tensor_parallel,
            replicas=given.replicas,
            most_replicas=most_replicas(model, role, given),
            with_their_graph=layout.placement is Placement.SHARED,
        )


def _too_many_nodes(settings: Settings, counts: dict[str, NodeCount]) -> Iterator[Fault]:
    allowed = settings.capacity and settings.capacity.max_nodes
    most = sum(count.most_nodes for count in counts.values())
    if allowed and most > allowed:
        parts = " + ".join(f"{pool} {count.most_nodes}" for pool, count in counts.items())
        yield Fault(
            "capacity.maxNodes",
            f"{allowed} is fewer than the {most} GPU nodes that the graphs may ask for ({parts})",
            (
                Way(
                    f"set capacity.maxNodes to {most}, or lower replicas or autoscaling",
                    {"capacity.maxNodes": most},
                ),
            ),
        )


def _version_faults(settings: Settings) -> Iterator[Fault]:
    for key, message in versions.errors(settings.versions.platform, settings.versions.runtime):
        yield Fault(join("versions", key), message)


def _secret_faults(settings: Settings) -> Iterator[Fault]:
    if settings.secrets.hf_token and settings.hf_token_given:
        yield Fault(
            "secrets.hfToken",
            f"{settings.secrets.hf_token} is in Secret Manager, and hfToken is given besides; one of the two. For "
            "Secret Manager: `pulumi config rm dynamo-gke:hfToken`",
        )
    key, region = settings.cluster.secrets_key, settings.location.region
    if key and key.split("/")[3] != region:
        yield Fault(
            "cluster.secretsKey",
            f"is in {key.split('/')[3]}, and GKE takes a key of the cluster's own region only; one in {region}",
        )


def _name_faults(models: Mapping[str, Any]) -> Iterator[Fault]:
    """Names that would meet in the cluster.

    A frontend finds its workers by the prefix `<namespace>-<graph>` of their Dynamo namespace (the operator sets
    DYN_NAMESPACE_PREFIX, so that old and new generations are both found). The frontend of `chat` would therefore
    also send requests to the workers of `chat-v2`.
    """
    lower = sorted((name.lower(), name) for name in models)
    for i, (key, name) in enumerate(lower):
        for other_key, other in lower[i + 1 :]:
            if key == other_key:
                yield Fault(
                    join("models", other),
                    f"is the same name as {name} in Kubernetes, which has no capitals; rename one of them",
                )
            elif other_key.startswith(key):
                rest = other_key.removeprefix(key).strip("-")
                yield Fault(
                    join("models", other),
                    f"begins with the name of another graph, {name}, whose frontend finds workers by that beginning "
                    "and would route to these too",
                    tuple(
                        Way(
                            f"rename it, such as {new}",
                            {join("models", other): None, join("models", new): models[other]},
                        )
                        for new in (f"{rest}-{key}", f"next-{key}", f"other-{key}", "other")
                    ),
                )


def name_collisions(models: Mapping[str, Any]) -> list[Fault]:
    """The errors between graph names, valid or not. `models` as a stack has them."""
    return list(_name_faults(models))


def _unknown_names(path: str, model: ModelSettings) -> Iterator[Fault]:
    known = model.model in card_names()
    if not known:
        yield _unknown(join(path, "model"), model.model, card_names())
    layouts: dict[str, None] = {}
    for name in [model.model] if known else card_names():
        try:
            layouts |= dict.fromkeys(card(name).layouts)
        except ConfigInvalid as invalid:  # errors of a card that nobody asked for are not this stack's
            if known:
                yield from invalid.faults
                return
    if model.layout not in layouts:
        yield _unknown(join(path, "layout"), model.layout, tuple(layouts))


def _unknown(path: str, given: str, allowed: Sequence[str]) -> Fault:
    like = closest(given, allowed)
    ways = (Way(f"did you mean {like}?", {path: like}),) if like else ()
    return Fault(path, f"{shown(given)} is not one of {', '.join(allowed)}", ways)


def _override_faults(path: str, model: ModelSettings, layout: Layout) -> Iterator[Fault]:
    for role in model.overrides:
        if role not in layout.roles:
            roles = " and ".join(layout.roles)
            yield Fault(join(path, role), f"layout {model.layout} has no {role} role; it has {roles}; take it out")
    for role in model.autoscaling.ranges:
        override = model.overrides.get(role)
        if role not in layout.roles:
            roles = " and ".join(layout.roles)
            yield Fault(
                join(path, "autoscaling", role),
                f"layout {model.layout} has no {role} role; it has {roles}; take it out",
            )
        elif layout.placement is Placement.CPU:
            yield Fault(
                join(path, "autoscaling", role),
                f"a simulated engine has no queue and no KV cache to be scaled by; take it out, or set {path}.layout "
                "to one with GPUs",
            )
        elif override and override.replicas is not None:
            yield Fault(
                join(path, role, "replicas"),
                f"is the autoscaler's to set while autoscaling.{role} is there; take one of the two out",
            )


def effective_roles(model: ModelSettings, layout: Layout) -> dict[Role, RoleLayout]:
    """The layout's roles with what the stack overrides; under an autoscaler with the fewest replicas."""
    roles: dict[Role, RoleLayout] = {}
    for role, given in layout.roles.items():
        override = model.overrides.get(role)
        changes = override.model_dump(include=set(RoleLayout.model_fields), exclude_none=True) if override else {}
        scale = model.autoscaling.ranges.get(role)
        roles[role] = given.model_copy(update=changes | ({"replicas": scale.min} if scale else {}))
    return roles


def most_replicas(model: ModelSettings, role: Role, given: RoleLayout) -> int:
    """Engines of a role at most: what the autoscaler may go up to, else what is set."""
    scale = model.autoscaling.ranges.get(role)
    return scale.max if scale else given.replicas


def _flag_faults(path: str, chosen: Card, model: ModelSettings, layout: Layout) -> Iterator[Fault]:
    simulated = layout.placement is Placement.CPU
    workers = Workers(
        module="dynamo.mocker" if simulated else "dynamo.vllm",
        card=chosen,
        tensor_parallel=tuple(given.tensor_parallel for given in effective_roles(model, layout).values()),
        disaggregated=layout.prefill is not None,
        max_model_len=max_model_len(chosen, model),
        kv_cache_dtype=model.engine.kv_cache_dtype,
        block_size=sizing.BLOCK_SIZE,
        reads_bucket=not simulated and chosen.revision is not None,
    )
    given, allowed = model.engine.extra_args, model.engine.allow_code
    yield from extra_args.faults(join(path, "engine.extraArgs"), workers, given, allowed)
    yield from extra_args.code_faults(join(path, "engine.allowCode"), workers.module, given, allowed)


def _length_faults(path: str, chosen: Card, model: ModelSettings) -> Iterator[Fault]:
    """The error of a length that the product's own verification does not fit into, which would then always fail."""
    length, where = max_model_len(chosen, model), join(path, "engine.maxModelLen")
    if length < sizing.VERIFICATION_TOKENS and model.verification is VerificationMode.REQUIRED:
        yield Fault(
            where,
            f"{length} is less than the {sizing.VERIFICATION_TOKENS} tokens of a verification's prompt and answer",
            (
                Way(f"use {sizing.VERIFICATION_TOKENS} or more", {where: sizing.VERIFICATION_TOKENS}),
                Way(
                    f"set {path}.verification to reported, and expect it to report a failure",
                    {join(path, "verification"): VerificationMode.REPORTED.value},
                ),
            ),
        )


def max_model_len(chosen: Card, model: ModelSettings) -> int:
    return model.engine.max_model_len or chosen.default_max_model_len


def engine_memory(chosen: Card, model: ModelSettings, gpus: Gpus, tensor_parallel: int) -> sizing.EngineMemory:
    """The memory of one engine as a stack sets it, for the length that the model can take."""
    return sizing.engine_memory(
        chosen,
        gpus,
        tensor_parallel=tensor_parallel,
        max_model_len=min(max_model_len(chosen, model), chosen.architecture.max_model_len),
        kv_cache_dtype=model.engine.kv_cache_dtype,
        gpu_memory_utilization=model.engine.gpu_memory_utilization,
        batch=batch(model.engine.extra_args, max_model_len(chosen, model)),
    )


def _engine_faults(path: str, chosen: Card, model: ModelSettings, layout: Layout, node: Machine) -> Iterator[Fault]:
    assert node.gpus is not None  # GPU_MACHINE has them
    roles = effective_roles(model, layout)
    length, longest = max_model_len(chosen, model), chosen.architecture.max_model_len
    if length > longest:
        yield Fault(
            join(path, "engine.maxModelLen"),
            f"{length} is longer than {chosen.name} was made for, at most {longest}",
            tuple(
                Way(f"use {tokens}", {join(path, "engine.maxModelLen"): tokens})
                for tokens in (longest, chosen.default_max_model_len)
            ),
        )
    count = node.gpus.count
    allowed = [n for n in range(1, count + 1) if count % n == 0 and sizing.divides(chosen.architecture, n)]
    for role, given in roles.items():
        if given.tensor_parallel not in allowed:
            yield Fault(
                join(path, role, "tensorParallel"),
                f"{given.tensor_parallel} cannot divide {chosen.name} ({chosen.architecture.heads} heads, "
                f"{chosen.architecture.kv_heads} KV heads) over the {count} GPUs of a node; "
                f"one of {', '.join(map(str, allowed))}",
                tuple(
                    Way(f"use {n}", {join(path, role, "tensorParallel"): n})
                    for n in sorted(allowed, key=lambda n: (abs(n - given.tensor_parallel), n))
                ),
            )
    if any(given.tensor_parallel not in allowed for given in roles.values()):
        return
    for role, given in roles.items():
        where = join(path, role, "tensorParallel")
        yield from _memory_faults(where, chosen, model, given.tensor_parallel, allowed, node.gpus)
    prefill, decode = roles.get(Role.PREFILL), roles.get(Role.DECODE)
    if prefill and decode:
        yield from _split_faults(path, chosen, prefill.tensor_parallel, decode.tensor_parallel, allowed)
    most = {role: most_replicas(model, role, given) for role, given in roles.items()}
    asked = sum(most[role] * given.tensor_parallel for role, given in roles.items())
    if layout.placement is Placement.SHARED and asked > count:
        parts = " + ".join(f"{role} {most[role]} × {given.tensor_parallel}" for role, given in roles.items())
        yield Fault(
            path,
            f"layout {model.layout} keeps its roles on one node of {count} GPUs, but {parts} = {asked}",
            tuple(_less_for_one_node(path, chosen, model, roles, allowed, count)),
        )


def _split_faults(path: str, chosen: Card, prefill: int, decode: int, allowed: list[int]) -> Iterator[Fault]:
    """The error of two sizes between which the engine does not move a KV cache."""
    why = kv_split.refusal(chosen.architecture, prefill=prefill, decode=decode)
    if why:
        where = {role: join(path, role, "tensorParallel") for role in (Role.DECODE, Role.PREFILL)}
        yield Fault(
            where[Role.DECODE],
            f"{decode} does not go with prefill's {prefill}: {why}",
            tuple(
                Way(f"set {role}.tensorParallel to {n}", {where[role]: n})
                for role, given in ((Role.DECODE, decode), (Role.PREFILL, prefill))
                for n in sorted(allowed, key=lambda n: (abs(n - given), n))
            ),
        )


def _less_for_one_node(
    path: str, chosen: Card, model: ModelSettings, roles: Mapping[Role, RoleLayout], allowed: list[int], count: int
) -> Iterator[Way]:
    """Fewer or smaller engines of one role, as many as the node has room for; else a layout with nodes for each."""
    for role, given in roles.items():
        scale = model.autoscaling.ranges.get(role)
        room = count - sum(
            most_replicas(model, other, theirs) * theirs.tensor_parallel
            for other, theirs in roles.items()
            if other is not role
        )
        fewer = room // given.tensor_parallel
        if fewer and not scale:
            yield Way(f"set {role}.replicas to {fewer}", {join(path, role, "replicas"): fewer})
        elif scale and fewer:
            least = min(scale.min, fewer)
            yield Way(
                f"set autoscaling.{role} to {{min: {least}, max: {fewer}}}",
                {join(path, "autoscaling", role): {"min": least, "max": fewer}},
            )
        for n in sorted(allowed, reverse=True):
            if n < given.tensor_parallel and n * most_replicas(model, role, given) <= room:
                yield Way(f"set {role}.tensorParallel to {n}", {join(path, role, "tensorParallel"): n})
    for name, other in chosen.layouts.items():
        if other.placement is Placement.PER_ROLE and other.roles.keys() == roles.keys():
            yield Way(f"use layout {name}", {join(path, "layout"): name})


def _nic_faults(
    path: str, chosen: Card, model: ModelSettings, layout: Layout, mode: RdmaMode, node: Machine
) -> Iterator[Fault]:
    """Why the pods of a deployment that moves KV cache by RDMA would get no NICs, or not their own."""
    if mode is RdmaMode.NONE:
        yield Fault(
            "network.rdma",
            f"none, but {path} moves its KV cache between prefill and decode pods. Without RDMA it goes over TCP, on "
            "one node too, since NVLink does not work between pods: the first token takes 200 to 500 times as long",
            (
                Way("use dranet", {"network.rdma": "dranet"}),
                Way(f"accept TCP with {path}.kvTransfer: tcp", {join(path, "kvTransfer"): "tcp"}),
            ),
        )
    elif mode is RdmaMode.MULTI_NETWORK:
        yield from _whole_node_faults(path, chosen, model, layout, node)


def _whole_node_faults(path: str, chosen: Card, model: ModelSettings, layout: Layout, node: Machine) -> Iterator[Fault]:
    """The error of engines that move KV cache by RDMA and are smaller than a node."""
    assert node.gpus is not None  # GPU_MACHINE has them
    count, roles = node.gpus.count, effective_roles(model, layout)
    parts = [
        f"{role} has tensorParallel {given.tensor_parallel}"
        for role, given in roles.items()
        if given.tensor_parallel < count
    ]
    if not parts:
        return
    layouts = [
        Way(f"use layout {name}", {join(path, "layout"): name})
        for name, other in chosen.layouts.items()
        if other.placement is Placement.PER_ROLE and other.prefill
    ]
    whole = {
        join(path, role, "tensorParallel"): count for role, given in roles.items() if given.tensor_parallel < count
    }
    yield Fault(
        "network.rdma",
        f"multiNetwork hands a pod all NICs of its node, so {path} needs engines over all {count} GPUs, but "
        f"{' and '.join(parts)}",
        (
            Way("use dranet", {"network.rdma": "dranet"}),
            Way(f"set tensorParallel of {' and '.join(key.split('.')[-2] for key in whole)} to {count}", whole),
            *layouts,
        ),
    )


def _memory_faults(
    path: str, chosen: Card, model: ModelSettings, given: int, allowed: list[int], gpus: Gpus
) -> Iterator[Fault]:
    """The fault of an engine over `given` GPUs that cannot hold one sequence of the full length."""
    engine = engine_memory(chosen, model, gpus, given)
    if engine.fits:
        return
    enough = [n for n in allowed if n > given and engine_memory(chosen, model, gpus, n).fits]
    ways = [Way(f"use tensorParallel {n}", {path: n}) for n in enough]
    settings = join(path.removesuffix(".tensorParallel").rpartition(".")[0], "engine")
    if engine.kv_tokens:
        length = join(settings, "maxModelLen")
        ways.append(Way(f"set engine.maxModelLen to {engine.kv_tokens} or less", {length: engine.kv_tokens}))
    share, why = model.engine.gpu_memory_utilization, f"{given} is too few for {chosen.name}"
    if share < _DEFAULT_SHARE and (least := _least_share(chosen, model, gpus, given)):
        path = join(settings, "gpuMemoryUtilization")
        ways.insert(0, Way(f"set engine.gpuMemoryUtilization to {least:g} or more", {path: least}))
        why = f"{share:g} of a GPU's memory is too little for {chosen.name} over {given} GPUs"
    batches = ""
    if engine.batch != sizing.DEFAULT_BATCH:
        batches = f"; smaller batches than {engine.batch.tokens} tokens and {engine.batch.seqs} sequences leave more"
    yield Fault(
        path,
        f"{why}: weights {engine.weights / sizing.GIB:.1f} GiB a GPU, "
        f"{max(0.0, engine.kv_budget) / sizing.GIB:.1f} GiB left for the KV cache, and one sequence of "
        f"{engine.max_model_len} tokens takes {engine.max_model_len * engine.kv_per_token / sizing.GIB:.1f} GiB"
        + (batches or ("" if ways else "; the model does not fit this machine")),
        tuple(ways),
    )


_DEFAULT_SHARE = EngineSettings().gpu_memory_utilization


def _least_share(chosen: Card, model: ModelSettings, gpus: Gpus, tensor_parallel: int) -> float | None:
    """The least hundredth of `gpuMemoryUtilization` that fits, up to the default, which leaves room for the driver."""
    for hundredths in range(int(model.engine.gpu_memory_utilization * 100) + 1, round(_DEFAULT_SHARE * 100) + 1):
        engine = model.engine.model_copy(update={"gpu_memory_utilization": hundredths / 100})
        if engine_memory(chosen, model.model_copy(update={"engine": engine}), gpus, tensor_parallel).fits:
            return hundredths / 100
    return None
