"""A stack under the real engine, by Pulumi's Automation API: each command as what it did."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pulumi
from pulumi import automation
from pulumi.automation.errors import CommandError
from pulumi.automation.events import EngineEvent, StepEventMetadata

from ops.offline.recording import PROJECT, run_main
from ops.offline.stackfile import project_root
from ops.rehearsal.engine.events import Command, Message, StepEvent, steps
from ops.rehearsal.engine.providers import Providers
from ops.rehearsal.engine.standstill import Standstill
from ops.rehearsal.world import World


class RehearsedStack:
    """The program of this checkout as a stack. Its commands never raise for a failed command, but say so."""

    def __init__(self, name: str, world: World, providers: Providers, standstill: Standstill | None = None) -> None:
        """`standstill` ends commands that wait for nothing; without it they wait as long as they do in reality."""
        self._providers = providers
        self._standstill = standstill
        self._log = world.logs / "engine.jsonl"
        self.refusals: list[str] = []
        """Errors by which the program itself ended a command, in its words."""
        self._stack = automation.create_or_select_stack(
            stack_name=name,
            project_name=PROJECT,
            program=self._program,
            opts=automation.LocalWorkspaceOptions(work_dir=str(world.project), env_vars={}),
        )

    def _program(self) -> None:
        try:
            run_main(project_root())
        except pulumi.RunError as refusal:
            self.refusals.append(str(refusal))
            raise

    def set(self, key: str, value: str, *, path: bool = False, secret: bool = False) -> None:
        """`pulumi config set`"""
        self._stack.set_config(key, automation.ConfigValue(value=value, secret=secret), path=path)

    def unprotect(self, urns: Sequence[str]) -> None:
        """`pulumi state unprotect`"""
        workspace = self._stack.workspace
        workspace.pulumi_command.run(["state", "unprotect", "--yes", *urns], workspace.work_dir, workspace.env_vars)

    def preview(self, judge: Path | None = None) -> Command:
        """A preview. `judge`: Google's own provider, which then says what changes, instead of the stand-in."""
        return self._run("preview", self._stack.preview, judge)

    def up(self) -> Command:
        return self._run("up", self._stack.up)

    def refresh(self) -> Command:
        return self._run("refresh", self._stack.refresh)

    def destroy(self) -> Command:
        """`pulumi destroy`, which first previews, and stops there for a protected resource."""
        preview = self._run("destroy", self._stack.preview_destroy)
        return self._run("destroy", self._stack.destroy) if preview.ok else preview

    def resources(self) -> list[dict[str, Any]]:
        """The resources of the state."""
        deployment = self._stack.export_stack().deployment or {}
        return deployment.get("resources") or []

    def _run(self, name: str, command: Callable[..., Any], judge: Path | None = None) -> Command:
        began = time.monotonic()
        seen: list[StepEvent] = []
        messages: list[Message] = []

        def on_event(event: EngineEvent) -> None:
            at = time.monotonic() - began
            print(json.dumps(event, default=vars), file=log)
            if event.resource_pre_event:
                seen.append(_step(at, "began", event.resource_pre_event.metadata))
            elif event.res_outputs_event:
                seen.append(_step(at, "ended", event.res_outputs_event.metadata))
            elif event.res_op_failed_event:
                seen.append(_step(at, "failed", event.res_op_failed_event.metadata))
            elif event.diagnostic_event:
                said = event.diagnostic_event
                messages.append(Message(severity=said.severity, urn=said.urn or None, text=said.message))

        why: Sequence[str] = ()
        try:
            with self._providers.running(judge) as env, self._log.open("a") as log, self._ending(seen) as why:
                self._stack.workspace.env_vars = env
                command(on_event=on_event)
            ok = True
        except CommandError as failed:
            ok = False
            messages[:0] = [Message(severity="error", urn=None, text=sentence) for sentence in why]
            if not any(message.severity == "error" for message in messages):
                messages.append(Message(severity="error", urn=None, text=str(failed)))
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
