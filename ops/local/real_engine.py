"""Runs a real engine on this machine's CPU: KV blocks move between two processes over NIXL, and text stays the same."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from rich.console import Console

from catalog.contracts import NO_NICS, Role
from catalog.engines import Engine
from catalog.models import Placement
from ops.local.environment import (
    ROOT,
    Environment,
    Say,
    cache_folder,
    create_once,
    ensure_tiny_model,
    run,
    tiny_model_folder,
)
from ops.local.errors import ConfigurationError, LocalRunError, report_error
from ops.local.guard import run_guarded
from ops.local.once import print_verdicts, wait_until_servable
from ops.local.processes import LocalGraph, Machine, local_graph
from ops.local.runner import TEMPORARY, announce, ports, progress
from ops.local.session import Session
from ops.local.supervise import supervise
from planning.pools import SYSTEM_POOL
from planning.types import Graph, Worker
from workloads.evidence import transfer
from workloads.jobs.verify import chat
from workloads.jobs.verify.clock import Deadline
from workloads.jobs.verify.outcome import Verdict
from workloads.jobs.verify.verification import Targets, verify
from workloads.jobs.verify.web import UnreachableError


def environment_of(engine: Engine) -> Environment:
    """The environment with the engine. Raises ConfigurationError if the engine has no lock file."""
    lock = ROOT / "requirements" / f"{engine.name}.txt"
    if not lock.is_file():
        raise ConfigurationError(f"{engine.title} cannot be installed here: {lock.relative_to(ROOT)} is missing")
    return Environment(engine.name, (lock,), f"{engine.module}.args, nixl_cu13._bindings")


# Python imports `sitecustomize` of this folder when it starts: NIXL's progress thread then sleeps between polls.
PATIENT_NIXL = Path(__file__).with_name("patient_nixl")
_WEIGHTS_SCRIPT = Path(__file__).with_name("tiny_weights.py")

# More than the verification's prompts need, about 1,200 tokens of the tiny tokenizer.
CONTEXT_TOKENS = 2048
GREEDY_PROMPTS = 4
ANSWER_SECONDS = 120.0


def cpu_twins(graph: Graph, engine: Engine) -> tuple[Graph, Graph, tuple[str, ...]]:
    """The graph with one small engine per role, its aggregated counterpart, and one sentence per change of both."""

    def small(role: Role) -> Worker:
        alone = replace(graph.workers[0], role=role, replicas=1, max_replicas=1, autoscaling=None)
        return replace(alone, tensor_parallel=1, pool=SYSTEM_POOL, memory=None, nics=NO_NICS)

    twin = replace(
        graph, engine=engine.name, placement=Placement.CPU, reads_bucket=False, kv_transfer=None,
        max_model_len=CONTEXT_TOKENS, workers=(small(Role.PREFILL), small(Role.DECODE)),
    )  # fmt: skip
    return (
        twin,
        replace(twin, workers=(small(Role.WORKER),)),
        (
            f"one {engine.title} engine a role, on the CPU, with {CONTEXT_TOKENS} tokens of context and no tensor "
            "parallelism",
            "the model has two layers of random weights; NIXL moves its KV blocks over TCP on loopback",
        ),
    )


def compare(
    engine: Engine,
    disaggregated: Mapping[str, Any],
    aggregated: Mapping[str, Any],
    changed_before: Sequence[str],
    *,
    isolated: bool,
) -> int:
    """Verifies the disaggregated graph by its engine's counters, then compares its greedy text with that of
    the aggregated one.

    Takes both graphs as rendered, and runs one after the other. The exit code is 0 if everything is verified and equal.
    """
    say = progress()
    try:
        environment = environment_of(engine)
        environment.ensure(say)
        ensure_tiny_model(environment, say)
        weights = _ensure_weights(environment, say)
        with tempfile.TemporaryDirectory(prefix=TEMPORARY, ignore_cleanup_errors=True) as name:
            folder = Path(name)
            plans = {
                step: local_graph(
                    graph, machine(engine, environment, weights, folder / step, isolated=isolated), changed_before
                )
                for step, graph in (("disaggregated", disaggregated), ("aggregated", aggregated))
            }
            return run_guarded(partial(_compare, engine, plans, folder, say), folder, isolated=isolated)
    except LocalRunError as error:
        return report_error(error)


def _ensure_weights(environment: Environment, say: Say) -> Path:
    def make(folder: Path) -> None:
        say("creating random weights for the tiny model, once")
        run([str(environment.python), str(_WEIGHTS_SCRIPT), str(tiny_model_folder()), str(folder)], say)

    key = hashlib.sha256(tiny_model_folder().name.encode() + _WEIGHTS_SCRIPT.read_bytes()).hexdigest()[:12]
    return create_once(cache_folder() / f"tiny-weights-{key}", make, say)


def machine(engine: Engine, environment: Environment, weights: Path, folder: Path, *, isolated: bool) -> Machine:
    return Machine(
        python=str(environment.python),
        model_dir=str(weights),
        discovery_dir=str(folder / "discovery"),
        ports=ports(isolated),
        engine=engine,
        env={"PYTHONPATH": str(PATIENT_NIXL)},
    )


def _compare(
    engine: Engine, plans: Mapping[str, LocalGraph], folder: Path, say: Say, events: "SimpleQueue[Any]"
) -> int:
    console = Console(highlight=False)
    prompts = [chat.fresh_prompt() for _ in range(GREEDY_PROMPTS)]
    texts: dict[str, list[str]] = {}

    def client(step: str, session: Session) -> int:
        model = wait_until_servable(session)
        texts[step] = [_greedy(session, model, prompt) for prompt in prompts]
        if step == "aggregated":
            return 0
        return _verify(session, engine, model, console)

    for step, plan in plans.items():
        announce(plan, say)
        code = supervise(
            plan, partial(client, step), events, folder=folder / step, listener=None, say=say, stopped_code=1
        )
        if code != 0:
            return code
    verdict = judge_texts(texts["disaggregated"], texts["aggregated"])
    print_verdicts(console, [verdict])
    return 0 if verdict.verified else 1


def _greedy(session: Session, model: str, prompt: str) -> str:
    try:
        deadline = Deadline(ANSWER_SECONDS)
        return chat.ask(session.graph.endpoint, model, deadline, prompt, temperature=0)
    except UnreachableError as error:
        raise LocalRunError(f"a greedy request got no answer: {error}") from None


def _verify(session: Session, engine: Engine, model: str, console: Console) -> int:
    graph, evidence = session.graph, engine.transfer_evidence
    report = verify(
        Targets(
            graph.endpoint,
            graph.metrics("prefill"),
            graph.metrics("decode"),
            model=model,
            transfer=transfer(evidence) if evidence else None,
            timeout=180,
        ),
        session.say,
    )
    print_verdicts(console, report.verdicts)
    return 0 if report.verified else 1


def judge_texts(disaggregated: Sequence[str], aggregated: Sequence[str]) -> Verdict:
    """Compares greedy answers, which depend on prompt and KV cache alone: a damaged cache changes the text."""
    equal = sum(one == other for one, other in zip(disaggregated, aggregated, strict=True))
    different = len(set(aggregated))
    return Verdict.of(
        "same text",
        equal == len(aggregated) and different > 1,
        f"{equal} of {len(aggregated)} greedy answers, {different} of them distinct, equal the aggregated worker's.",
    )
