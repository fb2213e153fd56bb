"""Runs aiperf on the running graph at several concurrencies, with results as a table and a plot."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ops.local.environment import ROOT, Environment
from ops.local.once import wait_until_servable
from ops.local.session import Session

BENCH = Environment("bench", (ROOT / "requirements" / "bench.txt",), "aiperf")
# Prompt and answer lengths of a short chat, in tokens. The tokenizer's tokens are short, so the prompt is a paragraph.
PROMPT_TOKENS = 512
ANSWER_TOKENS = 64
CONCURRENCIES = (1, 4, 16)
REQUESTS_PER_CLIENT = 8
# Includes about 10 s that aiperf needs to start and to stop.
LOAD_SECONDS = 180.0
RESULTS = ROOT / "build" / "local-bench"


@dataclass(frozen=True, kw_only=True)
class LoadResult:
    """Results of one load. Times are milliseconds: to the first token, and between tokens of one answer."""

    concurrency: int
    requests_per_second: float
    errors: int
    ttft_p50: float
    ttft_p99: float
    itl_p50: float
    itl_p99: float


def load_result(concurrency: int, export: Mapping[str, Any]) -> LoadResult:
    """Reads aiperf's JSON export, which omits metrics without a count."""
    ttft, itl = export["time_to_first_token"], export["inter_token_latency"]
    return LoadResult(
        concurrency=concurrency,
        requests_per_second=export["request_throughput"]["avg"],
        errors=int(export.get("error_request_count", {}).get("avg", 0)),
        ttft_p50=ttft["p50"],
        ttft_p99=ttft["p99"],
        itl_p50=itl["p50"],
        itl_p99=itl["p99"],
    )


def bench(session: Session, console: Console, model_dir: Path, engine: str) -> int:
    """Loads the graph, prints the table, writes results and plot to RESULTS. Returns 1 if any request failed.

    `engine` describes the engine behind the times, for every heading.
    """
    model = wait_until_servable(session)
    results: list[LoadResult] = []
    for concurrency in CONCURRENCIES:
        session.say(f"aiperf: {concurrency * REQUESTS_PER_CLIENT} requests, {concurrency} at a time")
        results.append(_load(session, model, model_dir, concurrency))
    console.print(_table(results, engine))
    RESULTS.mkdir(parents=True, exist_ok=True)
    data, plot = RESULTS / "results.json", RESULTS / "latency.svg"
    data.write_text(
        json.dumps({"engine": engine, "loads": [asdict(result) for result in results]}, indent=2) + "\n",
        encoding="utf-8",
    )
    script = str(Path(__file__).with_name("plot.py"))
    session.call([str(BENCH.python), script, str(data), str(plot)], {}, LOAD_SECONDS)
    console.print(f"plot: {plot.relative_to(ROOT)}", markup=False)
    return 1 if any(result.errors for result in results) else 0


def _load(session: Session, model: str, model_dir: Path, concurrency: int) -> LoadResult:
    artifacts = session.folder / f"aiperf-{concurrency}"
    options = {
        "model": model,
        "url": session.graph.endpoint,
        "endpoint-type": "chat",
        "tokenizer": model_dir,
        "concurrency": concurrency,
        "request-count": concurrency * REQUESTS_PER_CLIENT,
        "synthetic-input-tokens-mean": PROMPT_TOKENS,
        "output-tokens-mean": ANSWER_TOKENS,
        "output-tokens-stddev": 0,
        "extra-inputs": "ignore_eos:true",
        "random-seed": 1,
        "artifact-dir": artifacts,
        "ui": "none",
    }
    argv = [str(BENCH.python.with_name("aiperf")), "profile", "--streaming", "--use-server-token-count"]
    argv += [word for name, value in options.items() for word in (f"--{name}", str(value))]
    session.call(argv, {}, LOAD_SECONDS)
    return load_result(concurrency, json.loads((artifacts / "profile_export_aiperf.json").read_text(encoding="utf-8")))


def _table(results: list[LoadResult], engine: str) -> Table:
    table = Table(
        "clients", "requests/s", "TTFT p50 ms", "TTFT p99 ms", "ITL p50 ms", "ITL p99 ms", "errors", title=engine
    )
    for result in results:
        times = (result.ttft_p50, result.ttft_p99, result.itl_p50, result.itl_p99)
        table.add_row(
            str(result.concurrency),
            f"{result.requests_per_second:.1f}",
            *(f"{time:.1f}" for time in times),
            str(result.errors),
        )
    return table
