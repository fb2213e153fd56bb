"""The catalogue: list its cards, and pin one to a revision of its repository."""

import io
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from catalog import sizing
from catalog.defaults import defaults
from catalog.engines import default_engine
from catalog.layouts import layouts_for
from catalog.machines import gpu_machine
from catalog.models import FOLDER, Card, card, card_names
from ops.commands.ending import Exit, stop
from ops.report import printing
from ops.report.plain import plain
from reading import entries
from reading.errors import ConfigInvalid, Fault, one_of
from workloads.jobs.fetch_weights.errors import FetchFailed
from workloads.jobs.fetch_weights.hub import HUB, Hub
from workloads.jobs.fetch_weights.listing import REVISION, File, listing
from workloads.jobs.fetch_weights.patience import Patience

app = typer.Typer(help=__doc__)

# A person waits for it.
ATTEMPTS = 3
SECONDS = 60.0


@app.callback(invoke_without_command=True)
def models(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """List the models of the catalogue, or pin one."""
    if context.invoked_subcommand is not None:
        return
    rows: list[dict[str, Any]] = []
    faults: list[Fault] = []
    for name in card_names():
        try:
            rows.append(_row(card(name)))
        except ConfigInvalid as invalid:
            faults += invalid.faults
    if as_json:
        found = [{"path": fault.path, "message": fault.message} for fault in faults]
        printing.show_json({"models": rows} | ({"faults": found} if found else {}))
    else:
        _show(rows)
    for fault in faults:
        print(f"error: {plain(str(fault))}", file=sys.stderr)
    if faults:
        raise typer.Exit(Exit.CONFIG_INVALID)


def _row(model: Card) -> dict[str, Any]:
    return {
        "name": model.name,
        "repository": model.repository,
        "revision": model.revision,
        "files": len(model.files) if model.files else None,
        "licence": model.license,
        "gated": model.gated,
        "weightsGib": round(sizing.weights_bytes(model) / sizing.GIB, 1),
        "layouts": {
            name: {"gpus": layout.gpus, "why": layout.why}
            for name, layout in layouts_for(model, gpu_machine(defaults().machine), default_engine()).items()
        },
    }


def _show(rows: list[dict[str, Any]]) -> None:
    table = printing.table(
        "model", "repository", "revision", "licence", "gated", "weights GiB", "layouts:GPUs", right=["weights GiB"]
    )
    for column in table.columns[:-1]:
        column.no_wrap = True
    for row in rows:
        table.add_row(
            row["name"],
            row["repository"],
            row["revision"][:7] if row["revision"] else "not pinned",
            row["licence"],
            "yes" if row["gated"] else "no",
            f"{row['weightsGib']:.1f}",
            ", ".join(f"{name}:{layout['gpus']}" for name, layout in row["layouts"].items()),
        )
    printing.show(lambda console: console.print(table))


@app.command()
def pin(
    name: Annotated[str, typer.Argument(help="The model, that is the file catalog/models/NAME.yaml.")],
    hub: Annotated[str, typer.Option("--hub", help="The hub's address.")] = HUB,
    revision: Annotated[
        str | None, typer.Option("--revision", help="A commit, branch or tag; the newest commit unless given.")
    ] = None,
) -> None:
    """Write a repository's revision, with sizes and hashes of its files, into the card. HF_TOKEN if it is gated."""
    if name not in card_names():
        stop(f"model {one_of(name, card_names())}", Exit.CONFIG_INVALID)
    try:
        client = Hub(hub, os.environ.get("HF_TOKEN", "").strip() or None)
    except FetchFailed as failed:
        stop(str(failed), Exit.CONFIG_INVALID)
    patience = Patience(attempts=ATTEMPTS, backoff=1.0, deadline=time.monotonic() + SECONDS)
    try:
        repository = card(name).repository
    except ConfigInvalid as invalid:
        stop(str(invalid), Exit.CONFIG_INVALID)
    try:
        answer = patience.retry(lambda: client.info(repository, revision, patience))
        commit, files = listing(answer)
    except FetchFailed as failed:
        stop(f"{name}: {repository}{f' at {revision}' if revision else ''}: {failed}", Exit.FAILED)
    if revision and REVISION.fullmatch(revision) and commit != revision:
        stop(f"{name}: asked for revision {revision}, the hub answers for {commit}", Exit.FAILED)
    source = f"{hub}, asked by `ops models pin` on {datetime.now(UTC):%Y-%m-%d}"
    path = FOLDER / f"{name}.yaml"
    try:
        before = path.read_text(encoding="utf-8")
        after = pinned(before, commit, source, files)
        entries.checked(Card, path.name, name, after.encode())
        if after != before:
            _replace(path, after)
    except (OSError, ConfigInvalid) as error:
        stop(f"{name}: the card is left as it was: {plain(str(error))}", Exit.FAILED)
    total = sum(file.size for file in files) / sizing.GIB
    state = "pinned to" if after != before else "already pinned to"
    print(f"{name}: {state} {commit}, {len(files)} files, {total:.1f} GiB")


def pinned(text: str, revision: str, source: str, files: tuple[File, ...]) -> str:
    """The card with revision and files set, its comments kept; the same text if it says so already."""
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # no line is broken that was not
    content = yaml.load(text)
    listed = CommentedMap()
    for file in files:
        entry = CommentedMap(file.to_wire())
        entry.fa.set_flow_style()  # one line a file
        listed[file.path] = entry
    if content["revision"] == revision and content.get("files") == listed:
        return text
    content["revision"] = revision
    content["revisionSource"] = DoubleQuotedScalarString(source)
    if "files" in content:
        content["files"] = listed
    else:
        content.insert(list(content).index("revisionSource") + 1, "files", listed)
    written = io.StringIO()
    yaml.dump(content, written)
    return written.getvalue()


def _replace(path: Path, text: str) -> None:
    """The whole new text or the old one, whatever happens in between."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, suffix=".tmp", delete=False) as out:
        temporary = Path(out.name)
        try:
            out.write(text)
            out.close()
            temporary.chmod(path.stat().st_mode)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
