"""`models pin`: a card gets a revision of its repository, the hashes of its files and the facts of its config.json."""

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

# A person waits for it.
ATTEMPTS = 3
SECONDS = 60.0

# Those of real models have a few kilobytes; some list the type of each layer.
LONGEST_CONFIG = 1024**2


def pin(
    name: Annotated[
        str,
        typer.Argument(help="A file NAME.yaml of catalog/models/, or one such as ./cards/ours.yaml."),
    ],
    hub: Annotated[str, typer.Option("--hub", help="The hub's address.")] = HUB,
    revision: Annotated[
        str | None, typer.Option("--revision", help="A commit, branch or tag; the newest commit unless given.")
    ] = None,
    keep_architecture: Annotated[
        bool, typer.Option("--keep-architecture", help="Leave architecture and attention as the card has them.")
    ] = False,
) -> None:
    """Write revision, file hashes and what config.json says into a card. HF_TOKEN if the repository is gated."""
    try:
        card_name(name)
    except ValueError as why:
        stop(f"model {why}", Exit.CONFIG_INVALID)
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
            stop(f"{name}: requested revision {revision}, but the hub answers with {commit}", Exit.FAILED)
        facts = None if keep_architecture else _facts(client, chosen, commit, files, patience)
    except (FetchFailed, ConfigNotRead) as failed:
        at = f" at {revision}" if revision else ""
        stop(f"{name}: {chosen.repository}{at}: {plain(str(failed))}", Exit.FAILED)
    source = f"{hub}, asked by `ops models pin` on {datetime.now(UTC):%Y-%m-%d}"
    path = entries.path_of(models.FOLDER, name)
    try:
        before = path.read_text(encoding="utf-8")
        listed = {file.path: file.to_wire() for file in files}
        after = pinned(before, revision=commit, source=source, files=listed, facts=facts)
        entries.checked(Card, path.name, path.stem, after.encode())
        if after != before:
            _replace(path, after)
    except (OSError, ConfigInvalid) as error:
        stop(f"{name}: the card is left as it was: {plain(str(error))}", Exit.FAILED)
    total = sum(file.size for file in files) / sizing.GIB
    state = "pinned to" if after != before else "already pinned to"
    print(f"{name}: {state} {commit}, {len(files)} files, {total:.1f} GiB")


def _facts(client: Hub, chosen: Card, revision: str, files: tuple[File, ...], patience: Patience) -> ModelFacts:
    """What the revision's config.json says. Raises FetchFailed and ConfigNotRead."""
    (file,) = (file for file in files if file.path == "config.json")  # `listing` takes no model without one
    if file.size > LONGEST_CONFIG:
        raise ConfigNotRead(f"config.json has {file.size} bytes; at most {LONGEST_CONFIG} are read")

    def fetched() -> bytes:
        with client.file(chosen.repository, revision, file, 0, patience) as (_, body):
            return b"".join(body)

    content = patience.retry(fetched)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "config.json"
        copy.write_bytes(content)
        if not file.is_content_of(copy, patience.check):
            raise FetchFailed("the hub sends a config.json that does not have the size or hash of its index")
    try:
        facts = read_config(read_json(content.decode()))
    except (InvalidJson, UnicodeDecodeError):
        raise ConfigNotRead("config.json is not JSON that can be read: malformed, too deep, or with NaN") from None
    if facts.quantized is (chosen.weights.format in ("bf16", "fp16")):
        says = "names a quantization" if facts.quantized else "names no quantization"
        raise ConfigNotRead(
            f"config.json {says}, and the card's weights.format is {chosen.weights.format}; correct the one in the card"
        )
    return facts


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
