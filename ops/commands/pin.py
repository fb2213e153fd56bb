"""`models pin`: writes the revision, the file hashes and the facts of config.json into a model card."""

import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from catalog import models, sizing
from catalog.models import Card, card_name
from catalog.models.config_json import ConfigNotRead, ModelFacts
from catalog.models.config_json import read as read_config
from catalog.models.pinned import pinned
from ops.commands.ending import Exit, stop
from ops.report.plain import plain
from reading import entries
from reading.errors import ConfigInvalid
from workloads.jobs.fetch_weights.errors import FetchFailed
from workloads.jobs.fetch_weights.hub import HUB, Hub
from workloads.jobs.fetch_weights.listing import REVISION, File, listing
from workloads.jobs.fetch_weights.patience import Patience
from workloads.jobs.verify.untrusted import InvalidJson, read_json

# Short, because a person waits.
ATTEMPTS = 3
SECONDS = 60.0

# Real models have a few kilobytes; some list the type of each layer.
MAX_CONFIG_BYTES = 1024**2

app = typer.Typer(add_completion=False)


@app.command()
def pin(
    name: Annotated[
        str,
        typer.Argument(help="A model of catalog/models/, or a file such as ./cards/ours.yaml."),
    ],
    hub: Annotated[str, typer.Option("--hub", help="The hub's address.")] = HUB,
    revision: Annotated[
        str | None, typer.Option("--revision", help="Commit, branch or tag; by default the newest commit.")
    ] = None,
    keep_architecture: Annotated[
        bool, typer.Option("--keep-architecture", help="Keep the card's architecture and attention.")
    ] = False,
) -> None:
    """Write revision, file hashes and the facts of config.json into a card. Set HF_TOKEN for a gated repository."""
    try:
        card_name(name)
    except ValueError as why:
        stop(f"model: {why}", Exit.CONFIG_INVALID, path="model")
    try:
        client = Hub(hub, os.environ.get("HF_TOKEN", "").strip() or None)
    except FetchFailed as failed:
        stop(str(failed), Exit.CONFIG_INVALID)
    patience = Patience(attempts=ATTEMPTS, backoff=1.0, deadline=time.monotonic() + SECONDS)
    try:
        chosen = models.card(name)
    except ConfigInvalid as invalid:
        stop(str(invalid), Exit.CONFIG_INVALID)
    try:
        answer = patience.retry(lambda: client.info(chosen.repository, revision, patience))
        commit, files = listing(answer)
        if revision and REVISION.fullmatch(revision) and commit != revision:
            stop(f"{name}: requested revision {revision}, but the hub answered with {commit}", Exit.FAILED)
        facts = None if keep_architecture else _facts(client, chosen, commit, files, patience)
    except (FetchFailed, ConfigNotRead) as failed:
        at = f" at {revision}" if revision else ""
        stop(f"{name}: {chosen.repository}{at}: {plain(str(failed))}", Exit.FAILED)
    source = f"{hub}, read by `ops models pin` on {datetime.now(UTC):%Y-%m-%d}"
    path = entries.path_of(models.FOLDER, name)
    try:
        before = path.read_text(encoding="utf-8")
        listed = {file.path: file.to_wire() for file in files}
        after = pinned(before, revision=commit, source=source, files=listed, facts=facts)
        entries.checked(Card, path.name, path.stem, after.encode())
        if after != before:
            _replace(path, after)
    except (OSError, ConfigInvalid) as error:
        why = (isinstance(error, OSError) and error.strerror) or plain(str(error))
        stop(f"{name}: the card was not changed: {why}", Exit.FAILED)
    total = sum(file.size for file in files) / sizing.GIB
    state = "pinned to" if after != before else "already pinned to"
    print(f"{name}: {state} {commit}, {len(files)} files, {total:.1f} GiB")


def _facts(client: Hub, chosen: Card, revision: str, files: tuple[File, ...], patience: Patience) -> ModelFacts:
    """The facts of the revision's config.json. Raises FetchFailed and ConfigNotRead."""
    (file,) = (file for file in files if file.path == "config.json")  # `listing` refuses a model without one
    if file.size > MAX_CONFIG_BYTES:
        raise ConfigNotRead(f"config.json has {file.size} bytes; the limit is {MAX_CONFIG_BYTES}")

    def fetched() -> bytes:
        with client.file(chosen.repository, revision, file, 0, patience) as (_, body):
            return b"".join(body)

    content = patience.retry(fetched)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "config.json"
        copy.write_bytes(content)
        if not file.is_content_of(copy, patience.check):
            raise FetchFailed("the hub's config.json does not match the size or hash in its index")
    try:
        facts = read_config(read_json(content.decode()))
    except (InvalidJson, UnicodeDecodeError):
        raise ConfigNotRead("config.json is not valid JSON: malformed, too deep, or with NaN") from None
    if facts.quantized is (chosen.weights.format in ("bf16", "fp16")):
        says = "has a quantization" if facts.quantized else "has no quantization"
        raise ConfigNotRead(
            f"config.json {says}, but the card's weights.format is {chosen.weights.format}; correct the card"
        )
    return facts


def _replace(path: Path, text: str) -> None:
    """Replaces a file atomically: readers see the old text or the new one, never a part."""
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
