"""A stack under the real engine, by Pulumi's Automation API: each command as what it did."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pulumi
from pulumi import automation
from pulumi.automation._stack import StackInitMode
from pulumi.automation.errors import CommandError
from pulumi.automation.events import EngineEvent, StepEventMetadata

from ops.offline.recording import run_main
from ops.offline.stackfile import project_root, value_at
from ops.rehearsal.engine.broken_off import Running, share_no_connection
from ops.rehearsal.engine.events import Command, Message, StepEvent, steps
from ops.rehearsal.engine.providers import Providers
from ops.rehearsal.engine.standstill import Standstill
from ops.rehearsal.world import World

_TYPES: Mapping[type, str] = {str: "string", bool: "bool", int: "int", float: "float"}
"""Python's type of a value → Pulumi's name of it."""


class _Stack(automation.Stack):
    """Spares three more processes of Pulumi after each update: the API would ask them for what no rehearsal reads."""

    def outputs(self) -> automation.OutputMap:
        return {}

    def info(self, *_: object, **__: object) -> automation.UpdateSummary:
        return automation.UpdateSummary("", datetime.now(UTC), "", {}, {}, "")


class RehearsedStack:
    """The program of this checkout as a stack. Its commands never raise for a failed command, but say so."""

    def __init__(self, name: str, world: World, providers: Providers, standstill: Standstill | None = None) -> None:
        """`standstill` ends commands that wait for nothing; without it they wait as long as they do in reality."""
        self._providers = providers
        self._standstill = standstill
        self._programs = Running()
        self._log = world.logs / "engine.jsonl"
        self.refusals: list[str] = []
        """Errors by which the program itself ended a command, in its words."""
        self.watchers: list[Callable[[StepEvent], None]] = []
        """Called with each event of a step, while the command runs."""
        share_no_connection()
        workspace = automation.LocalWorkspace(work_dir=str(world.project), program=self._program, env_vars={})
        self._stack = _Stack(name, workspace, StackInitMode.CREATE_OR_SELECT)

    def _program(self) -> None:
        self._programs.add()
        try:
            run_main(project_root())
        except pulumi.RunError as refusal:
            self.refusals.append(str(refusal))
            raise

    def set_secret(self, key: str, value: str) -> None:
        """`pulumi config set --secret`"""
        self._stack.set_config(key, automation.ConfigValue(value=value, secret=True))

    def set(self, path: str, value: str) -> None:
        """`pulumi config set --path`, with the type that the plan has by the same `path=value`.

        Without it Pulumi makes a number of a text such as 70, which the program refuses.
        """
        kind = _TYPES[type(value_at(path, value))]
        self.cli("config", "set", "--path", "--type", kind, path, "--non-interactive", "--", value)

    def set_frontends(self, graph: str, replicas: int) -> None:
        """A change of the graph that no worker notices."""
        self.set(f'dynamo-gke:models["{graph}"].frontend.replicas', str(replicas))

    def unprotect(self, urns: Sequence[str]) -> None:
        """`pulumi state unprotect`"""
        self.cli("state", "unprotect", "--yes", *urns)

    def cli(self, *words: str) -> None:
        """A command of Pulumi for the stack that runs neither the program nor a provider. Raises CommandError."""
        workspace = self._stack.workspace
        workspace.pulumi_command.run([*words], workspace.work_dir, workspace.env_vars)

    def preview(self, judge: Path | None = None) -> Command:
        """A preview. `judge`: Google's own provider, which then says what changes, instead of the stand-in."""
        return self._run("preview", self._stack.preview, judge=judge)

    def up(self, targets: Sequence[str] = (), env: Mapping[str, str] | None = None) -> Command:
        """`pulumi up`, of all resources or of those with the URNs. `env`: further environment of the providers."""
        return self._run("up", partial(self._stack.up, target=list(targets) or None), env=env)

    def refresh(self, *, clear_pending_creates: bool = False) -> Command:
        return self._run("refresh", partial(self._stack.refresh, clear_pending_creates=clear_pending_creates))

    def import_(self, *words: str) -> Command:
        """`pulumi import`, which runs providers but not the program."""
        return self._run("import", lambda on_event: self.cli("import", *words))

    def destroy(self) -> Command:
        """`pulumi destroy`, which first previews, and stops there for a protected resource."""
        preview = self._run("destroy", self._stack.preview_destroy)
        return self._run("destroy", self._stack.destroy) if preview.ok else preview

    def resources(self) -> list[dict[str, Any]]:
        """The resources of the state."""
        return self._exported("resources")

    def pending(self) -> list[dict[str, Any]]:
        """The operations of the state of which Pulumi does not know how they ended."""
        return self._exported("pending_operations")

    def _exported(self, what: str) -> list[dict[str, Any]]:
        deployment = self._stack.export_stack().deployment or {}
        return deployment.get(what) or []

    def _run(
        self,
        name: str,
        command: Callable[..., Any],
        *,
        judge: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Command:
        began = time.monotonic()
        seen: list[StepEvent] = []
        messages: list[Message] = []

        def told(step: StepEvent) -> None:
            seen.append(step)
            for watcher in self.watchers:
                watcher(step)

        def on_event(event: EngineEvent) -> None:
            at = time.monotonic() - began
            print(json.dumps(event, default=vars), file=log)
            if event.resource_pre_event:
                told(_step(at, "began", event.resource_pre_event.metadata))
            elif event.res_outputs_event:
                told(_step(at, "ended", event.res_outputs_event.metadata))
            elif event.res_op_failed_event:
                told(_step(at, "failed", event.res_op_failed_event.metadata))
            elif event.diagnostic_event:
                said = event.diagnostic_event
                messages.append(Message(severity=said.severity, urn=said.urn or None, text=said.message))

        why: Sequence[str] = ()
        try:
            running = self._providers.running(judge, env)
            with running as attached, self._log.open("a") as log, self._ending(seen) as why:
                self._stack.workspace.env_vars = attached
                command(on_event=on_event)
            ok = True
        except CommandError as failed:
            ok = False
            messages[:0] = [Message(severity="error", urn=None, text=sentence) for sentence in why]
            if not any(message.severity == "error" for message in messages):
                messages.append(Message(severity="error", urn=None, text=str(failed)))
        finally:
            self._programs.end()
        return Command(
            name=name,
            ok=ok,
            seconds=time.monotonic() - began,
            steps=steps(seen),
            messages=tuple(messages),
        )

    def _ending(self, seen: Sequence[StepEvent]) -> AbstractContextManager[Sequence[str]]:
        """Ends a command that waits in vain; yields why."""
        if not self._standstill:
            return nullcontext(())
        return self._standstill.ending(seen, lambda: self._providers.cancel("kubernetes"))


def _step(at: float, what: Any, metadata: StepEventMetadata) -> StepEvent:
    changed: Iterable[str] = metadata.detailed_diff or metadata.diffs or ()
    return StepEvent(at=at, what=what, op=metadata.op.value, urn=metadata.urn, changed=tuple(changed))
