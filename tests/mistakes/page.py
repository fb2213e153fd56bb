"""docs/troubleshooting.md: the table of mistakes as a page, which `make goldens` writes."""

import textwrap
from collections.abc import Iterator

from tests.mistakes.mistake import Cli, Mistake, Ours, Program, Request, Shell, Step
from tests.mistakes.table import STEPS
from tests.stacks import ROOT

PAGE = ROOT / "docs" / "troubleshooting.md"
WIDTH = 120

_HEAD = """# Troubleshooting

What goes wrong most easily, step by step, with the message that you see. Search for words of your message; `…` stands
for text that is left out. `make goldens` writes this page from a table, and tests make each of these mistakes: exit
code and message are as printed.

Not here: [a `pulumi up` that failed](failed-update.md), [a verification that failed](verification-failed.md), [what
`status` names](status.md), [alerts](observability.md).

"""


def text() -> str:
    return _HEAD + "\n\n".join(paragraph for step in STEPS for paragraph in _step(step)) + "\n"


def _step(step: Step) -> Iterator[str]:
    yield f"## {step.title}"
    yield f"The step is described in {step.page}."
    for mistake in step.mistakes:
        yield from _section(mistake)


def _section(mistake: Mistake) -> Iterator[str]:
    yield f"### {mistake.what}"
    run = mistake.run
    if isinstance(run, Ours) and run.new:
        yield f"```yaml\n# {run.file}\n{_broken(run)}\n```"
    if isinstance(run, Request):
        yield f"```sh\n{run.shown}\n```"
        yield f"The answer has status {mistake.code}:"
    else:
        yield _filled(f"{_command(run)} {_ends(mistake)}:")
    if mistake.says:
        yield f"```text\n{textwrap.fill(mistake.says.replace('{port}', '8000'), WIDTH, break_on_hyphens=False)}\n```"
    yield _filled(mistake.do)


def _broken(run: Ours) -> str:
    """The lines of the file that have what the reader wrote."""
    text = (ROOT / run.file).read_text(encoding="utf-8")
    start = text.index(run.old)
    text = text.replace(run.old, run.new)
    first, last = text.rfind("\n", 0, start) + 1, text.find("\n", start + len(run.new))
    return text[first:last]


def _command(run: Ours | Program | Cli | Shell) -> str:
    if isinstance(run, Ours) and run.file and not run.new:
        return f"`{run.shown}`, after `{run.old.strip()}` was removed from `{run.file}`,"
    if isinstance(run, Cli) and len(run.before) > 1:
        return f"`{run.shown}`, after `pulumi {run.before[-1]}`,"
    return f"`{run.shown}`"


def _ends(mistake: Mistake) -> str:
    if isinstance(mistake.run, Program):
        return "stops" if mistake.code else "warns"
    return f"ends with exit code {mistake.code}"


def _filled(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
