"""Every function, class, method and constant of the product is used by something."""

import ast
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer
from vulture import Vulture

import dynamo_gke
from tests.stacks import ROOT

ROOMS = (
    *(*dynamo_gke.ROOMS, "dynamo_gke", "policies", "ops", "bootstrap"),
    *("tools", "benchmarks", "examples", "__main__.py"),
)
# These replace functions of an engine, in its environment.
IN_A_RUNTIME = ["*/tools/engine_start*.py", "*/tools/engine_parsers*.py", "*/tools/stand_ins/*"]
CALLED_BY_DECORATOR = ["@field_validator*", "@model_validator*", "@app.command*"]
CALLED_BY_OTHERS = [
    *("readable", "readinto", "makefile", "http_open", "https_open", "https_response"),  # io, socket, urllib.request
    *(
        "do_GET",
        "do_POST",
        "log_message",
        "handle_error",
        "client_address",
        "close_connection",
    ),  # http.server, socketserver
    *("Log", "make_urn", "new_resource"),  # Pulumi's monitor and mocks
    *("retries", "no_wrap", "preserve_quotes", "ignore_aliases"),  # attributes of urllib3, rich, YAML writers
    *("pre_tokenizer", "decoder"),  # attributes that `tokenizers` reads
    "pthrDelay",  # an attribute that NIXL reads
    *(name for name in vars(ResourceProviderServicer) if name[0].isupper()),  # the engine's calls to a provider
    "pids",  # what the tests of rehearsals look at in a control plane
    "unraisablehook",  # Python calls it
    "sdk_version",  # the tests hold the table against the pinned provider
]


def test_nothing_is_unused() -> None:
    looker = Vulture(ignore_names=CALLED_BY_OTHERS, ignore_decorators=CALLED_BY_DECORATOR)
    looker.scavenge(
        [*(str(ROOT / room) for room in ROOMS)],
        exclude=IN_A_RUNTIME,
    )
    unused = {(Path(item.filename), item.first_lineno, item.name) for item in looker.get_unused_code()}
    declared = set(chain.from_iterable(_declared(path) for path in {path for path, _, _ in unused}))
    assert sorted(map(str, unused - declared)) == []


def _declared(path: Path) -> set[tuple[Path, int, str]]:
    """Names that a serializer or discovery reads: fields of data classes, members of enums, the engine of a module."""
    found: set[tuple[Path, int, str]] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef):
            if any(isinstance(base, ast.Name) and base.id == "Engine" for base in node.bases):
                found.add((path, node.lineno, node.name))
            found |= set(_fields(path, node))
            for line in node.body:
                if isinstance(line, ast.Assign):
                    found |= {(path, line.lineno, name.id) for name in line.targets if isinstance(name, ast.Name)}
    return found


def test_every_fact_of_the_catalog_is_read() -> None:
    """Fields of the catalog's types, except those that become command lines as a whole: they end in Args or Config."""
    declared: set[str] = set()
    read: set[str] = set()
    for path in chain.from_iterable((ROOT / room).rglob("*.py") for room in ROOMS if not room.endswith(".py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                read.add(node.attr)
            elif isinstance(node, ast.ClassDef) and path.is_relative_to(ROOT / "catalog"):
                declared |= (
                    set() if node.name.endswith(("Args", "Config")) else {name for _, _, name in _fields(path, node)}
                )
    assert declared - read == set()


def _fields(path: Path, node: ast.ClassDef) -> Iterator[tuple[Path, int, str]]:
    for line in node.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            yield path, line.lineno, line.target.id
