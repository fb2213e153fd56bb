"""`init`: the files of a new stack, from what its owner answers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.ending import Exit, errors_printed, is_interrupt, stop
from ops.offline import stackfile
from ops.offline.dry_run import dry_run
from ops.report.plain import plain
from reading.errors import ConfigInvalid, Error

if TYPE_CHECKING:
    from ops.new_stack.answers import Answers
    from ops.new_stack.questions import Question
    from planning.types import Plan

app = typer.Typer(add_completion=False)


@app.command()
def init(
    stack: Annotated[str, typer.Argument(help="Name of the new stack.")],
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: take options, and defaults for the others.")] = False,
    project: Annotated[str, typer.Option(help="Google Cloud project.")] = "",
    zone: Annotated[str, typer.Option(help="Zone of the GPU nodes.")] = "",
    machine: Annotated[str, typer.Option(help="GPU machine.")] = "",
    capacity: Annotated[str, typer.Option(help="How GPU nodes are bought.")] = "",
    reservation: Annotated[str, typer.Option(help="Name of the reservation, for capacity reservation.")] = "",
    model: Annotated[str, typer.Option(help="A model of the catalog, or a file such as ./cards/ours.yaml.")] = "",
    layout: Annotated[
        str, typer.Option(help="Layout of the model; by default the smallest disaggregated one that fits.")
    ] = "",
    exposure: Annotated[str, typer.Option(help="From where clients reach it.")] = "",
    domain: Annotated[str, typer.Option(help="Domain, for exposure gateway.")] = "",
    allow: Annotated[
        list[str], typer.Option(help="Address range of clients, for exposure gateway; may be repeated.")
    ] = [],  # noqa: B006 - typer reads the default, nobody changes it
    owner: Annotated[str, typer.Option(help="Label: who owns it.")] = "",
    cost_center: Annotated[str, typer.Option(help="Label: who pays for it.")] = "",
) -> None:
    """Write a commented stack file and its policy configuration from your answers, and show what it would create."""
    from ops.new_stack import answers, files, questions
    from planning.load import load
    from planning.plan import plan

    given = {
        **{"project": project, "zone": zone, "machine": machine, "capacity": capacity, "reservation": reservation},
        **{"model": model, "layout": layout, "exposure": exposure, "domain": domain, "allow": ",".join(allow)},
        **{"owner": owner, "cost-center": cost_center},
    }
    given = {name: answer for name, answer in given.items() if answer}
    root = stackfile.project_root()
    with errors_printed(stack):
        if found := answers.errors(stack, {}):  # of the name, because nothing else is given
            raise ConfigInvalid(found)
        _check_place(root, stack)
        if not yes and not sys.stdin.isatty():
            stop("init asks questions, and there is no terminal; give the answers as options, with --yes", Exit.FAILED)
        try:
            complete = questions.filled(stack, given) if yes else questions.ask(stack, given, _prompt, _complain)
        except (typer.Abort, KeyboardInterrupt, EOFError) as end:
            print(file=sys.stderr)
            stop(
                f"interrupted; nothing was written. To go on, run `./dynamo-gke init {stack}` again, or give the "
                "answers as options, with --yes",
                Exit.INTERRUPTED if is_interrupt(end) else Exit.FAILED,
            )
        config = answers.blocks(complete)
        planned = plan(load(answers.stack_config(stack, config)))
        _check_place(root, stack)  # again, because answers take minutes
        own, policies = files.paths(root, stack)
        bare = own if own.exists() else None
        texts = {own: files.stack_file(planned, config, bare=bare), policies: files.policy_config(planned)}
    try:
        files.write(texts, completed=[bare] if bare else [])
    except OSError as error:
        where = Path(error.filename2 or error.filename or own).parent
        stop(f"no file was written: in the folder {where}: {error.strerror}; correct that and try again", Exit.FAILED)
    how = f"completed {own.name}, in which Pulumi's own keys stay, and wrote" if bare else f"wrote {own.name} and"
    print(f"\n{how} {policies.relative_to(root)}\n")
    for line in _remarks(complete, planned, chosen=not yes or "layout" in given):
        print(f"{line}\n")
    with errors_printed(stack):
        run = dry_run(stack)
    from ops.report import present, printing

    printing.show(lambda console: present.beginning(console, run.plan, run.recording))
    print(f"\nnext: ./dynamo-gke preview --stack {stack}")


def _check_place(root: Path, stack: str) -> None:
    """Ends the command if a file is in the way."""
    from ops.new_stack import files

    if why := files.obstacle(root, stack):
        stop(plain(why), Exit.FAILED)


def _remarks(complete: Answers, planned: Plan, *, chosen: bool) -> Iterator[str]:
    """The layout and what it means, how it was chosen where nobody chose it, and the answers without effect."""
    from ops.new_stack import answers, questions

    graph = planned.graphs[0]
    others = [name for name in answers.layouts_of(complete) if name != graph.layout]
    also = "" if chosen or not others else f"; this is the default; others that fit, by --layout: {', '.join(others)}"
    yield f"layout {graph.layout}: {graph.layout_why}{also}"
    if unused := questions.unused(complete):
        names = ", ".join(f"--{name}" for name in unused)
        yield f"note: {names} not written, because layout {graph.layout} has no GPUs"


def _prompt(question: Question, answers: Answers) -> str:
    """Asks on the terminal. Nothing is accepted without an answer."""
    for line in question.explained(answers):
        print(f"  {plain(line)}")
    choices = question.choices(answers)
    which = f" ({', '.join(choices)})" if choices else f", such as {question.example}"
    return str(typer.prompt(f"{question.text}{which}", default=question.proposal(answers) or None)).strip()


def _complain(error: Error) -> None:
    print(f"  {plain(str(error))}", file=sys.stderr)
