"""One mistake of a reader, and the ways in which a test makes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.google_answers import Answer


@dataclass(frozen=True, kw_only=True)
class Ours:
    """A command of this program, in a folder with the shipped stack files."""

    command: str
    """As typed after `./dynamo-gke`. `{port}` is a port that another program uses."""
    file: str = ""
    """The file to break; empty for none."""
    old: str = ""
    new: str = ""
    """Text of the file, and what the reader wrote in its place."""

    @property
    def shown(self) -> str:
        return f"./dynamo-gke {self.command}".replace("{port}", "8000")


@dataclass(frozen=True, kw_only=True)
class Program:
    """`pulumi preview` or `pulumi up` of the program, in a Google Cloud that gives `answers`."""

    stack: str
    sets: tuple[str, ...] = ()
    """Changes of the stack file, as `--set` takes them."""
    answers: Mapping[str, Answer] = field(default_factory=dict[str, Answer])
    """Data source → its answer; others give good ones."""
    up: bool = False

    @property
    def shown(self) -> str:
        return f"pulumi {'up' if self.up else 'preview'} --stack {self.stack}"


@dataclass(frozen=True, kw_only=True)
class Cli:
    """A command of the Pulumi CLI, in a project with the shipped stack files and a state of its own."""

    command: str
    before: tuple[str, ...] = ()
    """Commands that succeed before it."""
    passphrase: str = "right"
    """Empty for none."""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    state: str = ""
    """What the stack has: `protected`, a protected resource; `locked`, the lock of a killed update; `secret`, a secret
    that nothing encrypted."""

    @property
    def shown(self) -> str:
        return f"pulumi {self.command}"


@dataclass(frozen=True, kw_only=True)
class Shell:
    """A command of another program."""

    command: str
    typed: str = ""
    """As the reader typed it, if that differs."""
    path: str | None = None
    """PATH of the command; the usual one if not set."""
    programs: Mapping[str, str] = field(default_factory=dict[str, str])
    """Programs in `{folder}`: name → shell script."""

    @property
    def shown(self) -> str:
        return self.typed or self.command


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request to a graph that runs on this machine."""

    path: str
    body: str

    @property
    def shown(self) -> str:
        return f"curl -s http://127.0.0.1:8000{self.path} -H 'Content-Type: application/json' -d '{self.body}'"


Run = Ours | Program | Cli | Shell | Request


@dataclass(frozen=True, kw_only=True)
class Mistake:
    what: str
    """In the words of whoever made it."""
    run: Run
    code: int
    """Exit code; the status of a request."""
    says: str
    """The message, where `…` stands for any text."""
    do: str
    """What to do, as Markdown of a page in `docs/`."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the guide."""

    title: str
    page: str
    """Where the guide describes it, as a Markdown link."""
    mistakes: tuple[Mistake, ...]
