"""A `go` on PATH that downloads and compiles nothing: it writes down how it is called, and does as files tell it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

# One line a file: `version` for its answer; `unreachable` for the error of a download; `broken-NAME` for the error of a
# program's build; `slow` for the seconds after which a build has written the second half of its binary.
PROGRAM = """\
#!/bin/sh
PATH=/usr/bin:/bin
here={folder}
echo "$@" >> $here/calls
case "$1 $2" in
"env GOVERSION") cat $here/version ;;
"mod download" | "list -deps")
    if [ -e $here/unreachable ]; then echo "go: downloading a v1" >&2; cat $here/unreachable >&2; exit 1; fi
    echo "go: downloading b v1" >&2
    if [ "$1" = list ]; then echo fmt; echo os; fi ;;
"list -m") echo $here/module ;;
"build -v")
    env > $here/environment
    [ -e schema.json ] && cp schema.json $here/embedded
    for last; do case $before in -o) out=$last ;; esac; before=$last; done
    broken=$here/broken-$(basename $out)
    if [ -e $broken ]; then echo "# a/b" >&2; cat $broken >&2; exit 1; fi
    echo half > $out
    echo fmt >&2
    if [ -e $here/slow ]; then echo $$ > $here/building; sleep $(cat $here/slow); fi
    echo whole > $out ;;
*) echo "fake go: unknown command $*" >&2; exit 2 ;;
esac
"""


@dataclass(frozen=True)
class FakeGo:
    folder: Path

    def tell(self, what: str, text: str) -> None:
        (self.folder / what).write_text(f"{text}\n")

    def forget(self, what: str) -> None:
        (self.folder / what).unlink()

    @property
    def built(self) -> list[str]:
        """Names of the programs that were built, in order."""
        calls = self.folder / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        return [Path(line.split(" -o ")[1].split()[0]).name for line in lines if line.startswith("build ")]

    @property
    def environment(self) -> dict[str, str]:
        lines = (self.folder / "environment").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGo:
    """The fake as the only program on PATH, lest a real Go or a real program be found there."""
    schema = folder / "module" / "cmd" / "pulumi-resource-kubernetes" / "schema.json"
    schema.parent.mkdir(parents=True)
    schema.write_text("{}")
    commands = folder / "bin"
    commands.mkdir()
    program = commands / "go"
    program.write_text(PROGRAM.format(folder=folder))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(commands))
    fake = FakeGo(folder)
    fake.tell("version", "go1.99.0")
    return fake
