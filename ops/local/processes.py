"""A rendered DynamoGraphDeployment → the processes that run it on one machine. Pure.

Each process keeps its component's own command, arguments and environment. What must differ on a machine without
Kubernetes is decided here and told in `LocalGraph.changes`, one sentence each.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ops.local.faults import ConfigurationError

LOOPBACK = "127.0.0.1"
WORKER_ROLES = ("prefill", "decode", "worker")
ROLES = ("frontend", *WORKER_ROLES)
SIMULATED_ENGINE = "dynamo.mocker"
# Component type → the module that a container of that type may start.
MODULES = {"frontend": "dynamo.frontend", **dict.fromkeys(WORKER_ROLES, SIMULATED_ENGINE)}

# What Kubernetes and Dynamo's operator provide, by the means of one machine.
_LOCAL_PLANES = {
    "DYN_DISCOVERY_BACKEND": "file",
    "DYN_REQUEST_PLANE": "tcp",
    "DYN_EVENT_PLANE": "zmq",
    "DYN_EVENT_PLANE_HOST": LOOPBACK,
    "DYN_TCP_RPC_HOST": LOOPBACK,
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "DYN_SDK_DISABLE_ANSI_LOGGING": "1",
}
_FIELDS = {"status.podIP": LOOPBACK, "status.hostIP": LOOPBACK}

_ALWAYS_CHANGED = (
    "containers are plain processes: image, resources, volumes, probes and node placement do not apply",
    "discovery goes through files in a temporary folder instead of the Kubernetes API",
    f"every address is {LOOPBACK}, and every process has ports of its own",
)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What stands in for the cluster. `ports` yields free TCP ports; `flags` end the command lines of a role."""

    python: str
    model_dir: str
    discovery_dir: str
    ports: Iterator[int]
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


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
    components: list[Mapping[str, Any]] = graph["spec"].get("components", [])
    _check_frontends(components)
    changes = list(changed_before) + list(_ALWAYS_CHANGED)
    processes: list[Process] = []
    for component in components:
        role = _role(component)
        container = _main_container(component)
        given = _command(component["name"], role, container)
        changes += [f"no environment from {next(iter(source))}" for source in container.get("envFrom", [])]
        env = _environment([*graph["spec"].get("env", []), *container.get("env", [])], changes)
        replicas = component.get("replicas", 1)
        if role == "frontend" and replicas > 1:
            changes.append(f"the frontend runs once, not {replicas} times: there is no load balancer in front of it")
            replicas = 1
        added = machine.flags.get(role, ())
        if added:
            changes.append(f"{component['name']} gets {' '.join(added)} in addition")
        for number in range(replicas):
            port = next(machine.ports)
            places = {"--http-host": LOOPBACK, "--http-port": str(port), "--model-path": machine.model_dir}
            processes.append(
                Process(
                    name=f"{component['name']}-{number}",
                    role=role,
                    argv=(machine.python, *_replaced(given[1:], places, changes), *added),
                    env={**env, **_LOCAL_PLANES, "DYN_FILE_KV": machine.discovery_dir, **_listening(role, port)},
                    port=port,
                )
            )
    return LocalGraph(name=graph["metadata"]["name"], processes=tuple(processes), changes=tuple(dict.fromkeys(changes)))


def _check_frontends(components: Sequence[Mapping[str, Any]]) -> None:
    frontends = [component["name"] for component in components if component.get("type") == "frontend"]
    if not frontends:
        raise ConfigurationError("the graph has no component of type frontend, so nothing could take a request")
    if len(frontends) > 1:
        raise ConfigurationError(
            f"the graph has {len(frontends)} frontends ({', '.join(frontends)}); one address can lead to one only"
        )


def _role(component: Mapping[str, Any]) -> str:
    role = component.get("type", "")
    if role not in ROLES:
        raise ConfigurationError(
            f"component {component['name']} has type {role or 'none'}; a local run starts {', '.join(ROLES)}"
        )
    return role


def _main_container(component: Mapping[str, Any]) -> Mapping[str, Any]:
    for container in component.get("podTemplate", {}).get("spec", {}).get("containers", []):
        if container["name"] == "main":
            return container
    raise ConfigurationError(f"component {component['name']} has no container called main")


def _command(name: str, role: str, container: Mapping[str, Any]) -> tuple[str, ...]:
    """The container's command line, which must start the Dynamo module of its role with python3."""
    argv = (*container.get("command", []), *container.get("args", []))
    module = MODULES[role]
    if argv[:3] != ("python3", "-m", module):
        started = " ".join(argv[:3]) or "the image's own command"
        raise ConfigurationError(
            f"component {name} starts `{started}`; a local {role} must start `python3 -m {module}`"
        )
    return argv


def _environment(variables: Sequence[Mapping[str, Any]], changes: list[str]) -> dict[str, str]:
    """The variables that a machine without Kubernetes can know; the last of a name wins, as in a pod."""
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
    """Where a process listens. For workers the operator sets the last one: without it they never report ready."""
    if role == "frontend":
        return {"DYN_HTTP_HOST": LOOPBACK, "DYN_HTTP_PORT": str(port)}
    return {
        "DYN_SYSTEM_HOST": LOOPBACK,
        "DYN_SYSTEM_PORT": str(port),
        "DYN_SYSTEM_USE_ENDPOINT_HEALTH_STATUS": '["generate"]',
    }


def _replaced(argv: Sequence[str], values: Mapping[str, str], changes: list[str]) -> tuple[str, ...]:
    """The arguments with the given flags' values replaced, written `--flag value` or `--flag=value`."""
    result = list(argv)
    for index, argument in enumerate(argv):
        flag, equals, old = argument.partition("=")
        if flag not in values:
            continue
        if equals:
            result[index] = f"{flag}={values[flag]}"
        elif index + 1 < len(argv):
            old, result[index + 1] = argv[index + 1], values[flag]
        changes.append(f"{flag} {old} becomes {values[flag]}")
    return tuple(result)
