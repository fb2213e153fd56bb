"""Checks the transfer of KV cache from prefill to decode: its transport, and its lease."""

from collections.abc import Iterator

from catalog.contracts import Role
from catalog.rdma import KvTransfer
from planning.deployments import Deployment
from planning.resolve import ResolvedStack
from planning.tcp_transfer import first_token_by_tcp
from reading.errors import Error, Fix


def deployment_errors(_: ResolvedStack, deployment: Deployment) -> Iterator[Error]:
    given = deployment.settings.kv_transfer
    if given and deployment.kv_transfer is None:
        yield Error(
            deployment.at("kvTransfer"),
            f"{given} has no effect: layout {deployment.layout_name} moves no KV cache between GPUs of different pods; "
            "remove it",
        )
    lease, seconds = deployment.engine.kv_lease, deployment.settings.engine.kv_lease_seconds
    if lease and seconds and seconds < lease.min:
        where = deployment.at("engine.kvLeaseSeconds")
        fixes = (Fix(f"use {lease.min} or more", {where: lease.min}),)
        yield Error(where, f"got {seconds}; must be at least {lease.min}: {lease.why_min}", fixes)


def deployment_warnings(stack: ResolvedStack, deployment: Deployment) -> Iterator[str]:
    if deployment.kv_transfer is not KvTransfer.TCP:
        return
    rdma = stack.rdma
    nics = rdma.carries and any(role.machine and role.machine.rdma for role in deployment.roles.values())
    unused = f" The nodes have RDMA NICs (network.rdma {rdma}) that it leaves idle." if nics else ""
    yield (
        f"{deployment.at('kvTransfer')}: tcp, so KV cache moves over the pod network, and "
        f"{first_token_by_tcp(deployment)}. Not for real use.{unused}"
    )


def lease_warnings(_: ResolvedStack, deployment: Deployment) -> Iterator[str]:
    given, prefill = deployment.settings.engine.kv_lease_seconds, deployment.roles.get(Role.PREFILL)
    lease, where = deployment.engine.kv_lease, deployment.at("engine.kvLeaseSeconds")
    if given and deployment.kv_transfer is None:
        yield f"{where}: has no effect, because no KV cache moves between engines"
    elif given and lease is None:
        yield f"{where}: has no effect, because {deployment.engine.title} has no such setting"
    elif deployment.kv_transfer and prefill and lease and prefill.drain_seconds < (given or lease.default):
        yield (
            f"{deployment.at('prefill.drainSeconds')}: {prefill.drain_seconds} is less than the "
            f"{given or lease.default} s for which decode may fetch KV cache (engine.kvLeaseSeconds), so a prefill "
            "engine may stop too early"
        )
