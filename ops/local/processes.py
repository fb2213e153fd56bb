"""A rendered DynamoGraphDeployment → the processes that run it on one machine. Pure.

Each process keeps its component's own command, arguments and environment. Differences that a machine without Kubernetes
needs are decided here and listed in `LocalGraph.changes`, one sentence each.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog.contracts import LocalRun
from catalog.engines import Engine
from ops.local.errors import ConfigurationError

LOOPBACK = "127.0.0.1"
WORKER_ROLES = ("prefill", "decode", "worker")
ROLES = ("frontend", *WORKER_ROLES)
FRONTEND = "dynamo.frontend"
# A shell that prepares the search path of libraries, and then starts the module with the container's arguments.
_WRAPPED = re.compile(r'.*exec python3 -m (\S+) "\$@"')

# Replacements on one machine for Kubernetes and Dynamo's operator.
_LOCAL_PLANES = {
    "DYN_DISCOVERY_BACKEND": "file",
    "DYN_REQUEST_PLANE": "tcp",
    "DYN_EVENT_PLANE": "zmq",
    "DYN_EVENT_PLANE_HOST": LOOPBACK,
    "DYN_TCP_RPC_HOST": LOOPBACK,
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS": "5",  # the wait after Ctrl-C
    "DYN_SDK_DISABLE_ANSI_LOGGING": "1",
}
_FIELDS = {"status.podIP": LOOPBACK, "status.hostIP": LOOPBACK}

_ALWAYS_CHANGED = (
    "containers are plain processes: image, resources, volumes, probes and node placement do not apply",
    "discovery goes through files in a temporary folder instead of the Kubernetes API",
    f"every address is {LOOPBACK}, and every process has ports of its own",
    "a stopping engine drains for 5 s, regardless of drainSeconds",
)


Edit = Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The machine that replaces the cluster. `ports` yields free TCP ports."""

    python: str
    model_dir: str
    discovery_dir: str
    ports: Iterator[int]
    engine: Engine
    """The engine of the workers: their containers must start its module."""
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Role → arguments appended to its command lines."""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    """Additional environment variables of workers."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """One replica of a component. `port` is the frontend's HTTP port, or a worker's system port."""

    name: str
    role: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    port: int

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class LocalGraph:
    """The processes of one graph, and how they differ from its pods."""

    name: str
    processes: tuple[Process, ...]
    changes: tuple[str, ...]

    @property
    def endpoint(self) -> str:
        return next(process.address for process in self.processes if process.role == "frontend")

    def of_role(self, role: str) -> tuple[Process, ...]:
        return tuple(process for process in self.processes if process.role == role)

    def metrics(self, role: str) -> tuple[str, ...]:
        """The metrics address of each worker of the role."""
        return tuple(f"{process.address}/metrics" for process in self.of_role(role))


def local_graph(graph: Mapping[str, Any], machine: Machine, changed_before: Sequence[str] = ()) -> LocalGraph:
    """The processes for a rendered graph of the simulated layout, in the graph's order.

    `changed_before` are the sentences of whoever turned a GPU layout into its simulated twin.
    Raises ConfigurationError for a graph that one machine cannot run.
    """
    here = machine.engine.local
    if here is None:
        raise ConfigurationError(f"{machine.engine.title} does not run on a machine without GPUs")
    components: list[Mapping[str, Any]] = graph["spec"].get("components", [])
    _check_frontends(components)
    changes = list(changed_before) + list(_ALWAYS_CHANGED)
    processes: list[Process] = []
    for component in components:
        role = _role(component)
        container = _main_container(component)
        module = FRONTEND if role == "frontend" else machine.engine.module
        arguments = _arguments(component["name"], module, container)
        changes += [f"no environment from {next(iter(source))}" for source in container.get("envFrom", [])]
        env = _environment([*graph["spec"].get("env", []), *container.get("env", [])], changes)
        env |= _LOCAL_PLANES | {"DYN_FILE_KV": machine.discovery_dir}
        added: tuple[str, ...] = ()
        if role != "frontend":
            env |= {**here.environment, **machine.env}
            added = (*here.flags, *machine.flags.get(role, ()))
        replicas = component.get("replicas", 1)
        if role == "frontend" and replicas > 1:
            changes.append(f"the frontend runs once, not {replicas} times: there is no load balancer in front of it")
            replicas = 1
        if added:
            changes.append(f"{component['name']} gets {' '.join(added)} in addition")
        for number in range(replicas):
            port = next(machine.ports)
            edits = {**_places(port, machine.model_dir), **here.edits}
            processes.append(
                Process(
                    name=f"{component['name']}-{number}",
                    role=role,
                    argv=(machine.python, "-m", module, *_edited(arguments, edits, changes), *added),
                    env={**env, **_listening(role, port), **_second_port(role, here, machine)},
                    port=port,
                )
            )
    return LocalGraph(name=graph["metadata"]["name"], processes=tuple(processes), changes=tuple(dict.fromkeys(changes)))


def _check_frontends(components: Sequence[Mapping[str, Any]]) -> None:
    frontends = [component["name"] for component in components if component.get("type") == "frontend"]
    if not frontends:
        raise ConfigurationError("the graph has no component of type frontend, so it cannot take requests")
    if len(frontends) > 1:
        raise ConfigurationError(
            f"the graph has {len(frontends)} frontends ({', '.join(frontends)}); a local run supports one"
        )


def _role(component: Mapping[str, Any]) -> str:
    role = component.get("type", "")
    if role not in ROLES:
        raise ConfigurationError(
            f"component {component['name']} has type {role or 'none'}; a local run supports {', '.join(ROLES)}"
        )
    return role


def _main_container(component: Mapping[str, Any]) -> Mapping[str, Any]:
    for container in component.get("podTemplate", {}).get("spec", {}).get("containers", []):
        if container["name"] == "main":
            return container
    raise ConfigurationError(f"component {component['name']} has no container called main")


def _arguments(name: str, module: str, container: Mapping[str, Any]) -> tuple[str, ...]:
    """The container's arguments to its module, which must be this one, started by python3 or by a wrapping shell."""
    match [*container.get("command", []), *container.get("args", [])]:
        case ["python3", "-m", started, *arguments] if started == module:
            return tuple(arguments)
        case ["/bin/bash", "-c", script, _, *arguments] if (found := _WRAPPED.fullmatch(script)) and found[1] == module:
            return tuple(arguments)
        case argv:
            started = " ".join(argv[:3]) or "the image's own command"
            raise ConfigurationError(
                f"component {name} starts `{started}`; a local run supports only `python3 -m {module}`"
            )


def _environment(variables: Sequence[Mapping[str, Any]], changes: list[str]) -> dict[str, str]:
    """The variables that exist without Kubernetes. The last of a name wins, as in a pod."""
    env: dict[str, str] = {}
    for variable in variables:
        name = variable["name"]
        if "valueFrom" not in variable:
            env[name] = variable.get("value", "")
            continue
        field = variable["valueFrom"].get("fieldRef", {}).get("fieldPath")
        if field in _FIELDS:
            env[name] = _FIELDS[field]
            changes.append(f"{name} is {_FIELDS[field]} instead of {field}")
        else:
            source = field or next(iter(variable["valueFrom"]))
            env.pop(name, None)
            changes.append(f"{name} is not set: its value comes from {source}")
    return env


def _listening(role: str, port: int) -> dict[str, str]:
    """Listening addresses of a process. The last variable is the operator's: without it workers never report ready."""
    if role == "frontend":
        return {"DYN_HTTP_HOST": LOOPBACK, "DYN_HTTP_PORT": str(port)}
    return {
        "DYN_SYSTEM_HOST": LOOPBACK,
        "DYN_SYSTEM_PORT": str(port),
        "DYN_SYSTEM_USE_ENDPOINT_HEALTH_STATUS": '["generate"]',
    }


def _second_port(role: str, here: LocalRun, machine: Machine) -> dict[str, str]:
    if role == "frontend" or here.port_variable is None:
        return {}
    return {here.port_variable: str(next(machine.ports))}


def _places(port: int, model_dir: str) -> dict[str, Edit]:
    """Flags that name an address, a port or a path in the cluster → their value here."""
    here = {"--http-host": LOOPBACK, "--http-port": str(port), "--model-path": model_dir, "--model": model_dir}
    return {flag: lambda _, place=place: place for flag, place in here.items()}


def _edited(arguments: Sequence[str], edits: Mapping[str, Edit], changes: list[str]) -> tuple[str, ...]:
    """The arguments with the given flags' values changed, written `--flag value` or `--flag=value`."""
    result = list(arguments)
    for index, argument in enumerate(arguments):
        flag, equals, old = argument.partition("=")
        if flag not in edits:
            continue
        if equals:
            result[index] = f"{flag}={edits[flag](old)}"
        elif index + 1 < len(arguments):
            old = arguments[index + 1]
            result[index + 1] = edits[flag](old)
        changes.append(f"{flag} {old} becomes {edits[flag](old)}")
    return tuple(result)
