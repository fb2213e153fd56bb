"""The providers of one command of Pulumi: fresh ones, behind a proxy where a fault is to be injected.

Pulumi attaches to providers that already run. It shares one process among all providers of a package, where it would
otherwise start one for each.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ops.rehearsal.engine.fault_proxy import FaultProxy, Injection, cancel
from ops.rehearsal.engine.preview_proxy import PreviewProxy
from ops.rehearsal.google import server as google
from ops.rehearsal.processes import Program
from ops.rehearsal.programs import Programs
from ops.rehearsal.world import World

ATTACHED = "PULUMI_DEBUG_PROVIDERS"
"""Environment variable of the engine: `package:port`, by commas."""
_GOOGLE = "gcp"
_JUDGE = "gcp-official"
# Google's provider refuses to start without any credentials; this opens nothing, and nothing is in reach.
_NO_TOKEN = {"GOOGLE_OAUTH_ACCESS_TOKEN": "rehearsal"}


class Providers:
    """Starts the providers of a rehearsal for one command after the other."""

    def __init__(self, world: World, programs: Programs, injection: Injection | None) -> None:
        self._world = world
        self._argv: Mapping[str, Sequence[str]] = {
            "kubernetes": (str(programs.kubernetes_provider),),
        }
        self._injection = injection
        self._ports: dict[str, int] = {}

    def cancel(self, package: str) -> None:
        """Ends what the running provider of a package waits for; its calls fail, and the command with them."""
        cancel(self._ports[package])

    @contextmanager
    def running(self, judge: Path | None = None, env: Mapping[str, str] | None = None) -> Iterator[dict[str, str]]:
        """The environment with which a command finds the providers, which run while the block does. `env`: theirs.

        With a `judge`, Google's own provider, the engine can only preview.
        """
        argv = {**self._argv, **({_JUDGE: (str(judge),)} if judge else {})}
        with ExitStack() as stack:
            started = {package: self._started(package, words, env or {}) for package, words in argv.items()}
            for program in started.values():
                stack.callback(program.stop)
            ports: dict[str, int] = {}
            for package, program in started.items():
                program.wait_until(lambda log=program.log: _port(log) is not None)
                ports[package] = _port(program.log) or 0
            # Google's stand-in is a thread of this process, which has its modules: each command would load them again.
            ports[_GOOGLE] = stack.enter_context(google.serving(self._world))
            if judge:
                ports[_GOOGLE] = stack.enter_context(PreviewProxy(ports.pop(_JUDGE), ports[_GOOGLE])).port
            elif self._injection:
                proxies = {package: FaultProxy(port, self._injection) for package, port in ports.items()}
                ports = {package: stack.enter_context(proxy).port for package, proxy in proxies.items()}
            self._ports = ports
            yield {ATTACHED: ",".join(f"{package}:{port}" for package, port in ports.items())}

    def _started(self, package: str, argv: Sequence[str], env: Mapping[str, str]) -> Program:
        # The log begins with the provider's port, so each command has its own.
        log = self._world.logs / f"provider-{package}.log"
        log.unlink(missing_ok=True)
        own = _NO_TOKEN if package == _JUDGE else {}
        return Program(self._world, f"provider-{package}", argv, {**own, **env})


def _port(log: Path) -> int | None:
    """The port, which a provider writes as its first line."""
    first, newline, _ = log.read_text(errors="replace").partition("\n")
    return int(first) if newline and first.strip().isdigit() else None
