"""The containers' logs: written here, and served to the API server as a kubelet serves them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs

from ops.rehearsal.certificates import Certificate
from ops.rehearsal.kubelet.servers import Reply, Request, Server
from ops.rehearsal.world import World

PORT = 10250
"""Where the API server expects the kubelet of each simulated node (stages.yaml)."""


def now() -> str:
    """The time as the Kubernetes API writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def append(log: Path, lines: Iterable[str], time: str | None = None) -> None:
    """Adds lines, each with a time before it: the current one unless given."""
    log.parent.mkdir(parents=True, exist_ok=True)
    time = time or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
    with log.open("a", encoding="utf-8") as out:
        out.writelines(f"{time} {line}\n" for line in lines)


def copy(output: IO[bytes], log: Path) -> None:
    """Copies a program's output into the log, line by line, until it ends."""
    with output:
        for line in output:
            append(log, [line.decode(errors="replace").rstrip("\n")])


def lines_of(log: Path) -> list[str]:
    """The lines without their times; none if the container has written nothing."""
    text = log.read_text(encoding="utf-8") if log.exists() else ""
    return [line.partition(" ")[2] for line in text.split("\n")[:-1]]


def server(world: World, certificate: Certificate) -> Server:
    """The server of all simulated nodes. It does not check who asks, which a real kubelet does."""

    def answered(request: Request) -> Reply:
        match request.path.split("/"):
            case ["", "containerLogs", namespace, pod, container]:
                log = world.container_log(namespace, pod, container)
                return Reply(200, _asked(log, parse_qs(request.query)))
            case _:
                return Reply(404)

    return Server(("127.0.0.1", PORT), answered, certificate)


def _asked(log: Path, query: dict[str, list[str]]) -> bytes:
    with_times = query.get("timestamps") == ["true"]
    lines = log.read_text(encoding="utf-8").split("\n")[:-1] if with_times and log.exists() else lines_of(log)
    tail = int(query["tailLines"][0]) if "tailLines" in query else len(lines)
    return "".join(f"{line}\n" for line in lines[len(lines) - min(tail, len(lines)) :]).encode()
