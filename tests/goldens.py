"""What a reviewer reads first: every shipped stack as text, JSON and YAML, and what other machines and engines
change in prod. `make goldens` regenerates them and the table of inputs
that the policies know, and freezes the layouts of new cards."""

import io
import json
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path

from typer.testing import CliRunner

from ops.__main__ import app
from ops.commands import schema
from policies.known_inputs import TABLE
from settings.stack_schema import FILE
from tests import engine_goldens, frozen_layouts, machine_goldens, support_matrix
from tests.known_inputs import known_inputs
from tests.mistakes import page as mistakes
from tests.stacks import SHIPPED

GOLDEN = Path(__file__).parent / "golden"

COMMANDS = {
    "preview.txt": ("preview",),
    "preview.json": ("preview", "--json"),
    "objects.yaml": ("render",),
}


def names() -> list[str]:
    of_stacks = [f"{stack}.{kind}" for stack in SHIPPED for kind in COMMANDS]
    of_machines = [f"{machine}.machine.yaml" for machine in machine_goldens.MACHINES]
    return of_stacks + of_machines + [f"{engine}.engine.yaml" for engine in engine_goldens.ENGINES]


def render(name: str) -> str:
    """The golden of that name as the program prints it now."""
    stack, _, kind = name.partition(".")
    if kind == "machine.yaml":
        return machine_goldens.render(stack)
    if kind == "engine.yaml":
        return engine_goldens.render(stack)
    printed = io.StringIO()
    with redirect_stdout(printed):
        app([*COMMANDS[kind], "--stack", stack], standalone_mode=False)
    text = printed.getvalue()
    return json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n" if "json" in kind else text


README = GOLDEN.parent.parent / "README.md"
PREVIEW_PAGE = README.parent / "docs" / "preview.md"
_PREVIEW_BLOCK = re.compile(r"(?<=prod` prints \(checked by a test\):\n\n```text\n).*?(?=\n```)", re.DOTALL)
_ERRORS_BLOCK = re.compile(r"(?<=```text\n\$ \./dynamo-gke )(preview[^\n]*)\n.*?(?=\n```)", re.DOTALL)


def readme() -> str:
    """README.md with the errors of an invalid configuration as they print now."""
    text = README.read_text(encoding="utf-8")
    return _ERRORS_BLOCK.sub(lambda block: f"{block[1]}\n{_errors(block[1])}", text)


def preview_page() -> str:
    """docs/preview.md with the preview of prod as it prints now."""
    preview = render("prod.preview.txt").rstrip()
    return _PREVIEW_BLOCK.sub(lambda _: preview, PREVIEW_PAGE.read_text(encoding="utf-8"))


def _errors(command: str) -> str:
    return CliRunner().invoke(app, command.split()).stderr.rstrip()


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for old in GOLDEN.iterdir():
        old.unlink()
    for name in names():
        (GOLDEN / name).write_text(render(name), encoding="utf-8")
    TABLE.write_text(known_inputs(), encoding="utf-8")
    frozen_layouts.FILE.write_text(frozen_layouts.with_new_cards(), encoding="utf-8")
    README.write_text(readme(), encoding="utf-8")
    PREVIEW_PAGE.write_text(preview_page(), encoding="utf-8")
    (README.parent / FILE).write_text(schema.text(), encoding="utf-8")
    support_matrix.PAGE.write_text(support_matrix.page(), encoding="utf-8")
    mistakes.PAGE.write_text(mistakes.text(), encoding="utf-8")
    print(f"wrote {len(names())} goldens, {TABLE.name}, and the preview in docs/preview.md", file=sys.stderr)
