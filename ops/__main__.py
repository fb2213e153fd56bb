"""`python -m ops`: commands for people and for CI; only `status` needs a cluster, none the Pulumi binary."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from ops.commands import models
from ops.commands.ending import DEBUG, Exit, stop, unexpected
from ops.commands.local import local
from ops.offline import stackfile
from ops.report import printing
from ops.report.plain import plain
from planning.load import load
from planning.plan import plan
from planning.summary import summary
from planning.types import Plan
from reading.errors import ConfigInvalid, Fault, one_of
from reading.tokens import masked
from settings.stack_config import NAMESPACE, StackConfig

if TYPE_CHECKING:  # what these import takes a second, and a fault of the configuration must show before that
    from ops.offline.recording import Recording
    from ops.offline.verdicts import Verdict


@contextmanager
def _usage_errors_masked() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # typer names no public class of its usage errors; this is the method by which it prints them.
        if format_message := getattr(error, "format_message", None):
            message = masked(format_message())
            error.format_message = lambda: message  # pyright: ignore[reportAttributeAccessIssue]
        raise


class _Commands(TyperGroup):
    """The commands, whose usage errors repeat no token that stands among the arguments."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with _usage_errors_masked():
            return super().make_context(*args, **kwargs)

    def invoke(self, *args: Any, **kwargs: Any) -> Any:
        with _usage_errors_masked():
            return super().invoke(*args, **kwargs)


app = typer.Typer(
    cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)
app.add_typer(models.app, name="models")


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")] = False,
) -> None:
    if debug:
        os.environ[DEBUG] = "1"


Stack = Annotated[str, typer.Option("--stack", "-s", help="The stack, that is the file Pulumi.<stack>.yaml.")]
Overrides = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Lay a value over the stack file, typed as `config set --path`; an empty one takes the key out.",
    ),
]


def _stop_on_faults(
    stack: str,
    invalid: ConfigInvalid,
    as_json: bool = False,
    comment: Callable[[str, list[dict[str, str]]], str] | None = None,
) -> NoReturn:
    faults = [{"path": fault.path, "message": fault.message} for fault in invalid.faults]
    if comment:
        print(comment(masked(stack), faults))
    if as_json:
        printing.show_json({"stack": stack, "faults": faults})
        raise typer.Exit(Exit.CONFIG_INVALID)
    count = len(invalid.faults)
    lines = "\n".join(f"  {plain(str(fault))}" for fault in invalid.faults)
    stop(f"stack {stack} has {count} fault{'s' if count > 1 else ''}\n{lines}", Exit.CONFIG_INVALID)


@app.command()
def preview(
    stack: Stack = "dev",
    overrides: Overrides = [],  # noqa: B006 - typer reads the default, nobody changes it
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Show all that `pulumi up` would create, what it costs, and what is wrong with it."""
    planned, recording = _run(stack, overrides, as_json)
    from ops.offline import policy_config, policy_strength, verdicts
    from policies.rules import RULES

    try:
        config = policy_config.read(stackfile.project_root(), stack)
        rules = policy_strength.in_force(RULES, config)
    except ConfigInvalid as invalid:
        _stop_on_faults(stack, invalid, as_json)
    found = verdicts.judge(recording, config)
    weak = policy_strength.weaker_than_default(RULES, rules)
    planned = replace(planned, warnings=(*planned.warnings, *map(str, weak)))
    if as_json:
        printed = _as_json(planned, recording) | {"policies": _verdicts(found), "rules": rules}
        printing.show_json(printed)
    else:
        from ops.report import present

        present.show(planned, recording, found, _rolls(stack, planned) if overrides else ())
    mandatory = [verdict for verdict in found if verdict.mandatory]
    if mandatory:
        if not as_json:
            print(f"error: {len(mandatory)} mandatory policy violations", file=sys.stderr)
        raise typer.Exit(Exit.POLICY_VIOLATED)


def _rolls(stack: str, planned: Plan) -> Sequence[str]:
    """What the overrides would restart of the stack as its file has it; nothing when that does not load by itself."""
    from ops.changes.rollout import rolls

    try:
        return rolls(plan(load(stackfile.read(stackfile.project_root(), stack))), planned)
    except ConfigInvalid:
        return ()


@app.command()
def render(
    stack: Stack = "dev",
    overrides: Overrides = [],  # noqa: B006 - as above
    only: Annotated[str | None, typer.Option(metavar="KIND/NAME", help="Print this object only.")] = None,
) -> None:
    """Print the Kubernetes objects as YAML that `kubectl apply` takes; objects with secrets are left out."""
    planned, recording = _run(stack, overrides)
    for warning in planned.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    from ops.report import objects as manifests

    if only and only not in (known := manifests.keys(recording)):
        stop(f"--only: {one_of(only, known)}", Exit.FAILED)
    print(manifests.to_yaml(recording, only=only), end="")


@app.command()
def status(
    stack: Stack = "dev",
    graph: Annotated[str | None, typer.Option(help="Explain this graph only.")] = None,
    context: Annotated[
        str | None, typer.Option(help="The kubeconfig context; unless given, the one that `kubeconfigCommand` makes.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until all is Ready, for two hours at most.")] = False,
) -> None:
    """Explain what each graph waits for, in one sentence a cause, in the order of what to fix first."""
    from ops.commands import status as explained
    from ops.diagnosis.read_cluster import Cluster, ClusterUnreadable

    try:
        planned = plan(load(stackfile.read(stackfile.project_root(), stack)))
        graphs = explained.chosen(planned, graph)
    except ConfigInvalid as invalid:
        _stop_on_faults(stack, invalid, as_json)
    found, error = (), None
    where = context or planned.cluster.context  # never the current one, which may be of another cluster
    try:
        for found in explained.looks(planned, graphs, Cluster(planned, where), watch=watch):
            if not as_json:
                explained.show(planned, where, found)
    except ClusterUnreadable as unreadable:
        found, error = (), str(unreadable)
    if as_json:
        printing.show_json(explained.as_json(planned, where, found, error))
    if error:
        stop(error, Exit.FAILED)
    if not explained.ready(found):
        raise typer.Exit(Exit.FAILED)


@app.command()
def diff(
    base: Annotated[str, typer.Option("--base", metavar="REF", help="Branch, tag or commit that is deployed.")],
    stack: Stack = "dev",
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the comment of a pull request.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    allow_replace: Annotated[
        bool, typer.Option("--allow-replace", help="Do not fail over what is lost or recreated.")
    ] = False,
) -> None:
    """Say what this checkout would create, update, replace and delete where the base is deployed, and what is lost."""
    from ops.changes.comparison import compare
    from ops.changes.previewed import Snapshot
    from ops.commands import diff as told
    from ops.offline import policy_config, policy_strength
    from policies.rules import RULES

    if as_markdown and as_json:
        stop("--markdown and --json exclude each other", Exit.FAILED)
    try:
        planned, recording = _run(stack, [], as_json, told.faults_markdown if as_markdown else None)
        rules = policy_strength.in_force(RULES, policy_config.read(stackfile.project_root(), stack))
        compared_with = told.base(stackfile.project_root(), base, stack)
    except told.DiffFailed as failed:
        stop(str(failed), Exit.FAILED)
    except ConfigInvalid as invalid:
        _stop_on_faults(stack, invalid, as_json, told.faults_markdown if as_markdown else None)
    found = replace(
        compare(compared_with.snapshot, Snapshot.from_wire(_as_json(planned, recording))),
        weakened=tuple(policy_strength.weaker_than_base(RULES, rules, compared_with.policies)),
        weak=tuple(policy_strength.weaker_than_default(RULES, rules)),
    )
    if as_json:
        printing.show_json(told.to_wire(stack, compared_with, found) | {"warnings": list(planned.warnings)})
    else:
        print((told.to_markdown if as_markdown else told.to_text)(stack, compared_with, found, planned.warnings))
    if found.guarded and not allow_replace:
        if not as_json:
            names = ", ".join(change.name for change in found.guarded)
            print(
                f"error: {names}: replaced, deleted, nodes recreated or released, or an update that fails; "
                "--allow-replace if that is meant",
                file=sys.stderr,
            )
        raise typer.Exit(Exit.DEAR_LOST)
    if critical := sorted({weakening.policy for weakening in found.weakened if weakening.critical}):
        if not as_json:
            sentence = f"error: critical policies are weaker than at the base: {', '.join(critical)}"
            print(
                f"{sentence}; no option allows that, a reviewer who may merge over a failed check does", file=sys.stderr
            )
        raise typer.Exit(Exit.DEAR_LOST)


_ARGUMENTS_PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command(context_settings=_ARGUMENTS_PASSED_ON, add_help_option=False)
@app.command("proof", context_settings=_ARGUMENTS_PASSED_ON, add_help_option=False, hidden=True)
def verify(context: typer.Context) -> None:
    """Verify an endpoint (--endpoint URL --prefill METRICS… --decode METRICS…) or logs (--transport-log POD=FILE…)."""
    from workloads.jobs.verify.__main__ import main

    raise typer.Exit(main(context.args))


@app.command()
def rollout(
    stack: Stack = "dev",
    overrides: Overrides = [],  # noqa: B006 - as above
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Say what the overrides would restart, compared with the stack as it is, and how long capacity is down."""
    from ops.changes.rollout import rolls

    root = stackfile.project_root()
    try:
        if not overrides:
            raise ConfigInvalid([Fault("--set", "is missing: what would change? Such as versions.runtime=1.6.2")])
        before, after = (plan(load(stackfile.read(root, stack, changes))) for changes in ([], overrides))
    except ConfigInvalid as invalid:
        _stop_on_faults(stack, invalid, as_json)
    restarts = rolls(before, after)
    if as_json:
        printing.show_json({"stack": stack, "restarts": restarts})
    else:
        print("\n".join(restarts) or "no pod restarts; what else changes: `./dynamo-gke diff`")


def _run(
    stack: str,
    overrides: list[str],
    as_json: bool = False,
    comment: Callable[[str, list[dict[str, str]]], str] | None = None,
) -> tuple[Plan, Recording]:
    """The plan and the recording of a stack. Ends the command with the right code and sentences if there is a fault.

    The configuration is checked before the providers are imported: a fault shows in a fraction of a second.
    """
    root = stackfile.project_root()
    try:
        config = stackfile.read(root, stack, overrides)
        planned = plan(load(config))
        undecryptable = stackfile.undecryptable(root, stack)
    except ConfigInvalid as invalid:
        _stop_on_faults(stack, invalid, as_json, comment)
    warnings = (
        f"{key.partition(':')[2]}: its `secure` value was not encrypted by Pulumi, whose CLI refuses to load the whole "
        f"file; delete the line, then `pulumi config set --secret {key}`"
        for key in undecryptable
    )
    from ops.offline import policy_config, recording

    unjudged = policy_config.warning(root, stack)
    planned = replace(planned, warnings=(*planned.warnings, *warnings, *([unjudged] if unjudged else [])))

    try:
        return planned, recording.record(root, _asking_nobody(config))
    except recording.ProgramFailed as failed:
        stop(str(failed), Exit.FAILED)


def _asking_nobody(config: StackConfig) -> StackConfig:
    """The config without the preflight: answers made up here must not refuse what only Google Cloud can."""
    return replace(config, values={**config.values, f"{NAMESPACE}:preflight": "false"})


def _verdicts(found: list[Verdict]) -> list[dict[str, str]]:
    return [
        {"policy": v.policy, "level": v.level, "urn": v.urn, "message": v.message, "remedy": v.remedy} for v in found
    ]


def _as_json(planned: Plan, recording: Recording) -> dict[str, Any]:
    return {
        "stack": planned.stack,
        "resources": [resource.to_wire() for resource in recording.resources],
        "outputs": recording.outputs,
        "plan": summary(planned) | {"preflight": _preflight(planned)},
    }


def _preflight(planned: Plan) -> dict[str, Any]:
    """What `pulumi preview` asks Google Cloud. Here nothing is, whatever the answers of the recording are."""
    from planning.preflight import questions

    return {"asked": False, "questions": [question.what for question in questions(planned)]}


app.command()(local)


def main() -> None:
    """Runs the command that the arguments name. An error that nobody foresaw ends in a sentence too."""
    try:
        app(prog_name="dynamo-gke")
    except Exception as error:
        unexpected("dynamo-gke", error)
        sys.exit(Exit.FAILED)


if __name__ == "__main__":
    main()
