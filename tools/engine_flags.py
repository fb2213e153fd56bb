"""Writes the flag tables, one file per module, from the parsers of the pinned runtime."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.engines import FLAGS, all_engines, engine
from catalog.flags.frontend import FRONTEND_TABLE
from ops.local.environment import DYNAMO, ROOT, Environment
from ops.local.errors import LocalRunError, report_error
from ops.local.real_engine import environment_of
from reading.errors import one_of

VLLM = environment_of(engine("vllm"))
# vLLM's environment plus SGLang: it already has most packages that SGLang's parser imports.
SGLANG = Environment("sglang", (*VLLM.locks, ROOT / "requirements" / "sglang.txt"), "dynamo.sglang.args")
# Dynamo alone. Its parser imports a fake of TensorRT-LLM from `stand_ins`.
TRTLLM = Environment("trtllm", DYNAMO.locks, DYNAMO.probe)
_STAND_INS = Path(__file__).with_name("stand_ins")

# Max seconds of a read. Importing vLLM takes 10 s on an idle machine, and a minute on a busy one.
READ_SECONDS = 600.0


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """An environment with parsers of Dynamo's modules, created on first use."""

    environment: Environment
    modules: tuple[str, ...]

    @property
    def script(self) -> Path:
        """The script that reads the parsers, run in the environment."""
        return Path(__file__).with_name(f"engine_parsers_{self.environment.name}.py")

    @property
    def starter(self) -> Path:
        """The script that checks whether the engine would start."""
        return Path(__file__).with_name(f"engine_start_{self.environment.name}.py")


RUNTIMES = {
    runtime.environment.name: runtime
    for runtime in (
        Runtime(environment=VLLM, modules=("dynamo.frontend", "dynamo.mocker", "dynamo.vllm")),
        Runtime(environment=SGLANG, modules=("dynamo.sglang",)),
        Runtime(environment=TRTLLM, modules=("dynamo.trtllm",)),
    )
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Output of a runtime's parsers: module → text of its table; for each command line, the refusal or None."""

    tables: Mapping[str, str]
    verdicts: tuple[str | None, ...]


def ask(runtime: Runtime, lines: Sequence[tuple[str, Sequence[str]]] = ()) -> Answer:
    """The flag tables of the runtime's parsers, and their verdicts on command lines (module, arguments).

    Needs the runtime's environment. Raises LocalRunError if the parsers cannot be run.
    """
    answer = _run(runtime.environment, runtime.script, lines)
    tables = {module: formatted(table) for module, table in answer["tables"].items()}
    return Answer(tables=tables, verdicts=tuple(answer["verdicts"]))


def path(module: str) -> Path:
    """The file of a module's table. Raises KeyError for a module that neither an engine nor the frontend runs."""
    paths = {engine.module: FLAGS / f"{engine.name}.json" for engine in all_engines().values()}
    return {**paths, "dynamo.frontend": FRONTEND_TABLE}[module]


def start(runtime: Runtime, lines: Sequence[Sequence[str]]) -> list[Any]:
    """The verdicts of the engine's own configuration on command lines of its module, for a simulated GPU.

    Needs the runtime's environment. Raises LocalRunError if the script cannot be run.
    """
    return _run(runtime.environment, runtime.starter, lines)


def _run(environment: Environment, reader: Path, question: Any) -> Any:
    # No other variables: some, such as DYN_ROUTER_MODE, set defaults of flags; HF_HUB_OFFLINE requires model files.
    env = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    # Without this host, a machine without a routable address fails.
    env |= {"VLLM_NIXL_SIDE_CHANNEL_HOST": "127.0.0.1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    env["PYTHONPATH"] = str(_STAND_INS)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        env["TMPDIR"] = folder  # torch leaves a folder behind when imported
        answer = Path(folder) / "answer.json"
        try:
            done = subprocess.run(
                [str(environment.python), str(reader), str(answer)],
                input=json.dumps(question),
                env=env,
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=READ_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LocalRunError(f"the runtime's parsers cannot be asked: {error}") from None
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise LocalRunError(f"the runtime's parsers cannot be asked: {last}")
        return json.loads(answer.read_text(encoding="utf-8"))


def formatted(table: Mapping[str, Any]) -> str:
    """The table as sorted JSON, one flag or key per line, so that a diff shows the changes of a version."""

    def block(entries: Mapping[str, Any], indent: str) -> str:
        lines = (f"{indent} {json.dumps(name)}: {json.dumps(entries[name])}" for name in sorted(entries))
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"

    def blocks(groups: Mapping[str, Any]) -> str:
        lines = (f"  {json.dumps(name)}: {block(groups[name], '  ')}" for name in sorted(groups))
        return "{\n" + ",\n".join(lines) + "\n }" if groups else "{}"

    return (
        f'{{\n "module": {json.dumps(table["module"])},\n'
        f' "runtime": {json.dumps(table["runtime"])},\n'
        f' "flags": {block(table["flags"], " ")},\n'
        f' "objects": {blocks(table["objects"])}\n}}\n'
    )


def _write(answer: Answer) -> None:
    for module, text in answer.tables.items():
        path(module).write_text(text, encoding="utf-8")
        print(f"wrote {path(module).relative_to(ROOT)}; read its diff", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.engine_flags", description=__doc__)
    parser.add_argument("engines", nargs="*", metavar="ENGINE", help=f"of {', '.join(RUNTIMES)}; all unless given")
    parser.add_argument("--environment-only", action="store_true", help="make the environments and end")
    given = parser.parse_args(argv)
    if unknown := [name for name in given.engines if name not in RUNTIMES]:
        parser.error(one_of(unknown[0], tuple(RUNTIMES)))
    try:
        for runtime in (RUNTIMES[name] for name in given.engines or RUNTIMES):
            if not runtime.environment.is_complete:
                runtime.environment.ensure(lambda line: print(line, file=sys.stderr))
            if not given.environment_only:
                _write(ask(runtime))
    except LocalRunError as error:
        return report_error(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
