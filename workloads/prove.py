"""Proof that an endpoint really serves disaggregated: one sentence for each thing proven, or not.

    python prove.py --endpoint http://frontend:8000 --prefill http://p0:9090/metrics --decode http://d0:9090/metrics

A ready graph proves nothing: a frontend is healthy without workers, and a decode worker can prefill by itself. So this
sends prompts that no cache has seen and reads what the workers counted before and after. It is one file and needs
only the standard library, because it also runs as a Job in the cluster, where it finds the workers by itself:

    python prove.py --endpoint http://chat-frontend:8000 --pods dynamo/chat --roles prefill decode --transport rdma

Exit code: 0 everything proven or --report-only, 1 something is not, 2 the command line is at fault.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import re
import secrets
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

REQUESTS_SERVED = "dynamo_component_requests_total"
# A worker counts its side endpoints (KV queries, clearing) in the same family.
SERVING_ENDPOINT = "generate"
# What Dynamo calls a role in its metrics: decode and aggregated workers both register as `backend`.
COMPONENT = {"prefill": "prefill", "decode": "backend", "worker": "backend"}

PROMPTS = 4
# Words are one to three tokens each, so this fills three KV blocks or more at the largest usual block size, 128.
PROMPT_WORDS = 400
ANSWER_TOKENS = 32
# Enough of an answer to see that it repeats itself.
SANE_CHARACTERS = 1000
POLL_SECONDS = 0.25
# One look at a model list or at metrics; both are answered from memory.
GLANCE_SECONDS = 5.0
# The first request of a pair of workers sets up their connection, and is lost now and then; it is then sent anew.
FIRST_ANSWER_SECONDS = 60.0
# All workers' metrics together.
READ_SECONDS = 10.0
# Counters may follow the answer: vLLM publishes its own with the next engine step.
SETTLE_SECONDS = 10.0
ATTEMPTS = 3
# Where a worker serves its metrics unless its pod says otherwise.
WORKER_METRICS_PORT = 9090
# UCX writes its tables when two workers first meet, early in a log.
LOG_BYTES = 16 * 2**20

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")

WORDS = [
    *("river", "stone", "cloud", "paper", "window", "garden", "market", "silver", "winter", "engine", "letter"),
    *("bridge", "copper", "forest", "island", "mirror", "number", "orange", "pocket", "rocket", "school", "tunnel"),
]


@dataclass(frozen=True)
class Targets:
    """What is to be proven, and where: metrics addresses, one for each worker of a role.

    Addresses in `worker` make it the proof of an aggregated graph, which has no other roles.
    """

    endpoint: str
    prefill: tuple[str, ...] = ()
    decode: tuple[str, ...] = ()
    worker: tuple[str, ...] = ()
    model: str | None = None
    timeout: float = 120.0
    nixl: bool = False

    @property
    def addresses(self) -> dict[str, tuple[str, ...]]:
        """Role → metrics addresses, for the roles that the proof is about."""
        if self.worker:
            return {"worker": self.worker}
        return {"prefill": self.prefill, "decode": self.decode}


@dataclass(frozen=True)
class Verdict:
    """One thing that was to be proven."""

    check: str
    proven: bool
    sentence: str


@dataclass(frozen=True)
class WorkerShare:
    """How many requests one worker served for the proof; None if its metrics could not be read."""

    role: str
    address: str
    requests: int | None


@dataclass(frozen=True)
class Report:
    """The outcome: proven when every verdict is."""

    model: str | None
    verdicts: tuple[Verdict, ...]
    workers: tuple[WorkerShare, ...] = field(default=())

    @property
    def proven(self) -> bool:
        return all(verdict.proven for verdict in self.verdicts)


class UnreachableError(Exception):
    """No usable HTTP answer; the message says what happened instead."""


class NotServableError(Exception):
    """The endpoint did not serve within the bound; the message names the last obstacle."""


class Deadline:
    """A point in time on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that remain, never negative."""
        return max(0.0, self._end - time.monotonic())

    def within(self, seconds: float) -> Deadline:
        """The earlier of this deadline and `seconds` from now."""
        return Deadline(min(seconds, self.left()))


# --- HTTP -----------------------------------------------------------------------------------------------------------

# Workers are reached directly: a proxy of the environment knows nothing of pods or of loopback.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def fetch(
    url: str,
    deadline: Deadline,
    body: Mapping[str, Any] | None = None,
    *,
    token: str | None = None,
    opener: urllib.request.OpenerDirector = _OPENER,
) -> tuple[int, str]:
    """Status and text of one request: GET, or POST of `body` as JSON.

    Raises UnreachableError when no complete HTTP answer arrives before the deadline.
    """
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with _opened(request, deadline, opener) as response:
            return response.status, _read(response, deadline).decode(errors="replace")
    except TimeoutError:
        raise UnreachableError("no answer in time") from None
    except urllib.error.URLError as fault:
        raise UnreachableError(_words(fault.reason)) from None
    except (OSError, http.client.HTTPException) as fault:
        raise UnreachableError(_words(fault)) from None


def _words(fault: object) -> str:
    """What happened, in the system's words and without its numbers."""
    return getattr(fault, "strerror", None) or str(fault) or type(fault).__name__


def _opened(request: urllib.request.Request, deadline: Deadline, opener: urllib.request.OpenerDirector) -> Any:
    try:
        return opener.open(request, timeout=max(0.05, deadline.left()))
    except urllib.error.HTTPError as answer:
        return answer


def _read(response: Any, deadline: Deadline) -> bytes:
    """The whole body. The socket's own timeout bounds one read only, and a server may drip."""
    parts: list[bytes] = []
    while part := response.read1(1 << 16):
        parts.append(part)
        if deadline.left() == 0:
            raise TimeoutError
    return b"".join(parts)


def complete(
    endpoint: str, model: str, prompt: str, max_tokens: int, deadline: Deadline, temperature: float | None = None
) -> str:
    """The text that the endpoint answers to one chat message; without a temperature, at the model's own.

    Raises UnreachableError unless it answers 200.
    """
    body = {"model": model, "messages": [{"role": "user", "content": prompt}], "max_tokens": max_tokens}
    if temperature is not None:
        body["temperature"] = temperature
    status, text = fetch(f"{endpoint}/v1/chat/completions", deadline, body)
    if status != 200:
        raise UnreachableError(f"HTTP {status}: {' '.join(text.split())[:200]}")
    try:
        message = json.loads(text)["choices"][0]["message"]
        return "".join(message.get(part) or "" for part in ("reasoning_content", "content"))
    except (ValueError, LookupError, TypeError, AttributeError):
        raise UnreachableError("HTTP 200 without a chat completion in it") from None


def listed_models(endpoint: str, deadline: Deadline) -> list[str]:
    """The ids under /v1/models. Raises UnreachableError if there is no such list."""
    status, text = fetch(f"{endpoint}/v1/models", deadline)
    if status != 200:
        raise UnreachableError(f"/v1/models answered HTTP {status}")
    try:
        return [entry["id"] for entry in json.loads(text)["data"]]
    except (ValueError, LookupError, TypeError):
        raise UnreachableError("/v1/models answered something that is no model list") from None


# --- metrics --------------------------------------------------------------------------------------------------------

_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)(?:\s+-?\d+)?\s*")
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')


def samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Name, labels and value of each sample in Prometheus' text format. Lines that are none are passed over."""
    for line in text.splitlines():
        if line.startswith("#") or not (match := _SAMPLE.fullmatch(line)):
            continue
        try:
            value = float(match["value"])
        except ValueError:
            continue
        yield match["name"], {key: _unescaped(raw) for key, raw in _LABEL.findall(match["labels"] or "")}, value


def _unescaped(raw: str) -> str:
    return re.sub(r"\\(.)", lambda escape: "\n" if escape[1] == "n" else escape[1], raw)


def total(text: str, family: str, **labels: str) -> float:
    """The sum over the family's samples with these labels. A family appears with its first event: absent is 0."""
    return sum(value for name, given, value in samples(text) if name == family and labels.items() <= given.items())


def requests_served(text: str, role: str) -> int:
    """Requests that a worker of this role has served since it started, out of its metrics."""
    return int(total(text, REQUESTS_SERVED, dynamo_component=COMPONENT[role], dynamo_endpoint=SERVING_ENDPOINT))


def metrics_of(addresses: Sequence[str], deadline: Deadline) -> dict[str, str]:
    """Metrics text by address; an address that does not answer in time is left out."""
    found: dict[str, str] = {}
    for address in addresses:
        for _ in range(ATTEMPTS):
            try:
                status, text = fetch(address, deadline.within(GLANCE_SECONDS))
            except UnreachableError:
                time.sleep(min(POLL_SECONDS, deadline.left()))
                continue
            if status == 200:
                found[address] = text
                break
    return found


# --- the cluster ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cluster:
    """The Kubernetes API as a pod reaches it, with the rights of the pod's service account."""

    api: str
    token: str
    opener: urllib.request.OpenerDirector

    @staticmethod
    def of_this_pod(api: str, credentials: Path) -> Cluster:
        """Raises UnreachableError outside a pod, where there are no credentials."""
        try:
            context = ssl.create_default_context(cafile=credentials / "ca.crt")
            token = (credentials / "token").read_text(encoding="utf-8").strip()
        except OSError as fault:
            raise UnreachableError(f"no credentials of a pod ({fault})") from None
        https = urllib.request.HTTPSHandler(context=context)
        return Cluster(api, token, urllib.request.build_opener(urllib.request.ProxyHandler({}), https))

    def get(self, path: str, deadline: Deadline, **query: str | int) -> str:
        """The text of one answer. Raises UnreachableError unless it is 200."""
        url = f"{self.api}{path}?{urllib.parse.urlencode(query)}"
        status, text = fetch(url, deadline.within(READ_SECONDS), token=self.token, opener=self.opener)
        if status != 200:
            raise UnreachableError(f"the Kubernetes API answered HTTP {status}: {' '.join(text.split())[:200]}")
        return text


@dataclass(frozen=True)
class Pods:
    """The workers of one graph in a cluster."""

    cluster: Cluster
    namespace: str
    graph: str

    def running(self, role: str, deadline: Deadline) -> dict[str, str]:
        """Name → metrics address of the role's running pods. Raises UnreachableError if they cannot be listed."""
        labels = {"nvidia.com/dynamo-graph-deployment-name": self.graph, "nvidia.com/dynamo-component-type": role}
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        text = self.cluster.get(f"/api/v1/namespaces/{self.namespace}/pods", deadline, labelSelector=selector)
        try:
            pods = json.loads(text)["items"]
            return {
                pod["metadata"]["name"]: f"http://{pod['status']['podIP']}:{_metrics_port(pod)}/metrics"
                for pod in pods
                if pod["status"].get("phase") == "Running" and pod["status"].get("podIP")
            }
        except (ValueError, LookupError, TypeError, AttributeError):
            raise UnreachableError("the Kubernetes API answered something that is no list of pods") from None

    def log(self, pod: str, deadline: Deadline) -> str:
        """The beginning of a worker's log. Raises UnreachableError if it cannot be read."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/log"
        return self.cluster.get(path, deadline, container="main", limitBytes=LOG_BYTES)


def _metrics_port(pod: Mapping[str, Any]) -> int:
    """The container port that the operator calls `system`."""
    ports = [port for container in pod["spec"]["containers"] for port in container.get("ports", ())]
    return next((port["containerPort"] for port in ports if port.get("name") == "system"), WORKER_METRICS_PORT)


def found_workers(targets: Targets, pods: Pods, roles: Sequence[str]) -> Targets:
    """The targets with the metrics addresses of the running pods. Raises UnreachableError if they cannot be listed."""
    deadline = Deadline(READ_SECONDS)
    return replace(targets, **{role: tuple(pods.running(role, deadline).values()) for role in roles})


_TABLE = re.compile(r"cfg#\d+")
_REMOTE_READ = re.compile(r"remote memory (read|write)")
_TRANSPORT = re.compile(r"\b([a-z]+(?:_[a-z0-9]+)?)/[a-zA-Z]")
RDMA = ("rc_mlx5", "dc_mlx5", "rc_verbs")
NVLINK = ("cuda_ipc",)


def transports(log: str) -> frozenset[str]:
    """What UCX chose for reading another worker's memory, out of the tables that UCX_PROTO_INFO=y has it write.

    A table begins with a line that names its configuration (`cfg#3`) and its operation; each further line ends with
    transport and device, as in `rc_mlx5/mlx5_0:1`. Taken from UCX's sources, not yet seen on an A3 Ultra node.
    """
    chosen: set[str] = set()
    reading = False
    for line in log.splitlines():
        if _TABLE.search(line):
            reading = bool(_REMOTE_READ.search(line))
        elif reading:
            chosen.update(_TRANSPORT.findall(line))
    return frozenset(chosen)


def judge_transport(logs: Mapping[str, str]) -> Verdict:
    """The KV cache goes over RDMA, or over NVLink within a node, and not over TCP. `logs`: decode pod → log."""
    check = "transport is RDMA"
    chosen = frozenset[str]().union(*(transports(log) for log in logs.values()))
    fast = sorted(chosen.intersection(RDMA + NVLINK))
    if fast:
        return Verdict(check, True, f"decode workers read KV cache by {', '.join(fast)}.")
    if "tcp" in chosen:
        return Verdict(
            check,
            False,
            "decode workers read KV cache over TCP: UCX found no RDMA way to the prefill workers; look at "
            "UCX_IB_ROCE_REACHABILITY_MODE, LD_LIBRARY_PATH and the pods' NICs, see docs/rdma.md.",
        )
    return Verdict(check, False, f"the logs of {', '.join(logs) or 'no decode worker'} name no transport for KV cache.")


def judge_tcp(logs: Mapping[str, str]) -> Verdict:
    """The KV cache goes over TCP alone, as the stack says with kvTransfer: tcp. `logs`: decode pod → log."""
    chosen = frozenset[str]().union(*(transports(log) for log in logs.values()))
    seen = ", ".join(sorted(chosen)) or "no transport that a log names"
    return Verdict("transport is TCP", chosen == {"tcp"}, f"decode workers read KV cache by {seen}.")


def prove_transport(pods: Pods, expected: str) -> Verdict:
    """The verdict over the logs of the decode pods that run now; `expected` is rdma or tcp."""
    deadline = Deadline(6 * READ_SECONDS)
    try:
        logs = {pod: pods.log(pod, deadline) for pod in pods.running("decode", deadline)}
        return judge_transport(logs) if expected == "rdma" else judge_tcp(logs)
    except UnreachableError as fault:
        return Verdict(
            f"transport is {expected.upper()}", False, f"the logs of the decode workers cannot be read: {fault}."
        )


# --- the steps ------------------------------------------------------------------------------------------------------


def wait_until_servable(
    endpoint: str, model: str | None, deadline: Deadline, obstacle_changed: Callable[[str], None] = lambda _: None
) -> str:
    """The model's name, once it is listed and has answered one completion.

    `obstacle_changed` is told what is waited for. Raises NotServableError at the deadline.
    """
    obstacle = ""
    while True:
        try:
            return _served_model(endpoint, model, deadline)
        except UnreachableError as fault:
            # An attempt that the deadline cut short would hide the reason found before.
            if str(fault) != obstacle and (deadline.left() > 0 or not obstacle):
                obstacle = str(fault)
                obstacle_changed(obstacle)
        if deadline.left() <= POLL_SECONDS:
            raise NotServableError(obstacle)
        time.sleep(POLL_SECONDS)


def _served_model(endpoint: str, model: str | None, deadline: Deadline) -> str:
    listed = listed_models(endpoint, deadline.within(GLANCE_SECONDS))
    if not listed:
        raise UnreachableError("/v1/models is empty, as it is until a prefill and a decode worker are registered")
    if model is not None and model not in listed:
        raise UnreachableError(f"/v1/models lists {', '.join(listed)}, not {model}")
    chosen = model or listed[0]
    try:
        complete(endpoint, chosen, "ready?", 1, deadline.within(FIRST_ANSWER_SECONDS))
    except UnreachableError as fault:
        raise UnreachableError(f"{chosen} is listed but does not answer: {fault}") from None
    return chosen


def fresh_prompt() -> str:
    """A prompt that no cache has seen, long enough to fill several KV blocks; its first word is already unique."""
    rng = random.Random(secrets.randbits(64))
    return " ".join([secrets.token_hex(8), *rng.choices(WORDS, k=PROMPT_WORDS)])


def ask(
    endpoint: str, model: str, deadline: Deadline, prompt: str | None = None, temperature: float | None = None
) -> str:
    """The answer to a prompt, by default a fresh one for each attempt. Raises UnreachableError when none succeeds."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return complete(endpoint, model, prompt or fresh_prompt(), ANSWER_TOKENS, deadline, temperature)
        except UnreachableError:
            if attempt == ATTEMPTS or deadline.left() == 0:
                raise
            time.sleep(min(POLL_SECONDS, deadline.left()))
    raise AssertionError("the last attempt returns or raises")


def is_sane(answer: str) -> bool:
    """Whether an answer has text that is more than one token over and over, the sign of a corrupt KV cache."""
    text = answer.strip()[:SANE_CHARACTERS]
    # A word's token carries a space, which the ends of the text have lost.
    return bool(text) and not (_is_periodic(text) or _is_periodic(text + " "))


def _is_periodic(text: str) -> bool:
    """Whether the text is one piece, three times or more."""
    return any(text[length:] == text[:-length] for length in range(1, len(text) // 3 + 1))


# --- verdicts -------------------------------------------------------------------------------------------------------


def judge_answers(answers: Sequence[str], fault: str | None) -> Verdict:
    """Every fresh prompt was answered with text."""
    if fault is not None:
        return Verdict("answer sane", False, f"prompt {len(answers) + 1} of {PROMPTS} got no answer: {fault}.")
    for answer in answers:
        if not is_sane(answer):
            seen = f"one token repeated: {answer.strip()[:40]!r}" if answer.strip() else "empty"
            return Verdict("answer sane", False, f"an answer was {seen}; the KV cache or the tokenizer is wrong.")
    sentence = f"{len(answers)} fresh prompts of {PROMPT_WORDS} words were answered with text."
    return Verdict("answer sane", True, sentence)


def judge_role(role: str, addresses: Sequence[str], shares: Sequence[WorkerShare], answered: int) -> Verdict:
    """Every answered prompt went through a worker of the role."""
    check = {"prefill": "prefill worker served", "decode": "decode worker received", "worker": "worker served"}[role]
    kind = "aggregated" if role == "worker" else role
    if not addresses:
        return Verdict(check, False, f"there is no {kind} worker: no metrics address was given.")
    counted = [share for share in shares if share.role == role and share.requests is not None]
    silent = len(addresses) - len(counted)
    if not counted:
        return Verdict(check, False, f"no {kind} worker gives its metrics, at {', '.join(addresses)}.")
    served = sum(share.requests or 0 for share in counted)
    busy = sum(1 for share in counted if share.requests)
    sentence = f"{served} requests for {answered} answered prompts, on {busy} of {len(addresses)} {kind} workers"
    if silent:
        sentence += f"; {silent} gave no metrics"
    return Verdict(check, 0 < answered <= served, f"{sentence}.")


def judge_nixl(before: Mapping[str, str], after: Mapping[str, str], answered: int) -> tuple[Verdict, ...]:
    """The KV cache of every answered prompt moved over NIXL into a decode worker, whose metrics these are."""

    def rise(family: str) -> float:
        return sum(total(after[address], family) - total(before[address], family) for address in before.keys() & after)

    moved, transfers = rise("vllm:nixl_bytes_transferred_sum"), int(rise("vllm:nixl_xfer_time_seconds_count"))
    failed, hits = int(rise("vllm:nixl_num_failed_transfers_total")), int(rise("vllm:external_prefix_cache_hits_total"))
    return (
        Verdict(
            "KV cache moved",
            0 < answered <= transfers and moved > 0,
            f"{moved / 2**20:.2f} MiB in {transfers} NIXL transfers for {answered} answered prompts.",
        ),
        Verdict("no transfer failed", transfers > 0 and failed == 0, f"{failed} of {transfers} NIXL transfers failed."),
        Verdict("moved KV cache used", hits > 0, f"decode workers took {hits} prompt tokens from elsewhere."),
    )


def prove(targets: Targets, progress: Callable[[str], None] = lambda _: None) -> Report:
    """Run the proof against a graph that is up or coming up. Returns within `targets.timeout` and the settling time."""
    deadline = Deadline(targets.timeout)
    model: str | None = None
    answers: list[str] = []
    fault: str | None = "the endpoint is not servable"
    try:
        model = wait_until_servable(
            targets.endpoint, targets.model, deadline, lambda obstacle: progress(f"waiting: {obstacle}")
        )
        listed = Verdict("model listed", True, f"{model} is listed and answers at {targets.endpoint}.")
    except NotServableError as last:
        listed = Verdict("model listed", False, f"not servable after {targets.timeout:g} s: {last}.")

    addresses = targets.addresses
    every = [address for role in addresses for address in addresses[role]]
    before = metrics_of(every, Deadline(READ_SECONDS))
    if model is not None:
        progress(f"sending {PROMPTS} fresh prompts")
        answers, fault = _answers(targets.endpoint, model, deadline)

    settled = Deadline(SETTLE_SECONDS)
    while True:
        after = metrics_of(every, Deadline(READ_SECONDS))
        shares = _shares(addresses, before, after)
        verdicts = (
            listed,
            judge_answers(answers, fault),
            *(judge_role(role, addresses[role], shares, len(answers)) for role in addresses),
            *(judge_nixl(_only(targets.decode, before), _only(targets.decode, after), len(answers)) * targets.nixl),
        )
        report = Report(model, verdicts, shares)
        if report.proven or not answers or settled.left() == 0:
            return report
        time.sleep(POLL_SECONDS)


def _answers(endpoint: str, model: str, deadline: Deadline) -> tuple[list[str], str | None]:
    """The answers to the fresh prompts, up to the first that got none, and why it got none."""
    answers: list[str] = []
    for _ in range(PROMPTS):
        try:
            answers.append(ask(endpoint, model, deadline))
        except UnreachableError as fault:
            return answers, str(fault)
    return answers, None


def _only(addresses: Sequence[str], metrics: Mapping[str, str]) -> dict[str, str]:
    return {address: metrics[address] for address in addresses if address in metrics}


def _shares(
    addresses: Mapping[str, Sequence[str]], before: Mapping[str, str], after: Mapping[str, str]
) -> tuple[WorkerShare, ...]:
    def share(role: str, address: str) -> int | None:
        if address not in before or address not in after:
            return None
        return requests_served(after[address], role) - requests_served(before[address], role)

    return tuple(WorkerShare(role, address, share(role, address)) for role in addresses for address in addresses[role])


# --- command line ---------------------------------------------------------------------------------------------------


def command_line(argv: Sequence[str] | None) -> argparse.Namespace:
    """The words as given, checked. Ends the process with 2 and a usage line when they do not hang together."""
    parser = argparse.ArgumentParser(prog="prove", description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--endpoint", required=True, type=_http_url, help="the frontend, such as http://frontend:8000")
    for role in COMPONENT:
        parser.add_argument(
            f"--{role}", nargs="*", default=[], type=_http_url, help=f"metrics address of each {role} worker"
        )
    parser.add_argument("--model", help="the model that must be listed; otherwise the first that is")
    parser.add_argument("--timeout", type=_seconds, default=120.0, help="seconds until servable and answered (120)")
    parser.add_argument("--kv-transfer", choices=["nixl"], help="also prove that KV cache moved (real vLLM)")
    parser.add_argument("--pods", type=_namespaced, help="NAMESPACE/GRAPH: find the workers by the Kubernetes API")
    parser.add_argument(
        "--roles", nargs="*", default=[], choices=list(COMPONENT), help="with --pods: the graph's roles"
    )
    parser.add_argument(
        "--transport", choices=["rdma", "tcp"], help="with --pods: also prove the transport, from their logs"
    )
    parser.add_argument("--api", type=_http_url, default="https://kubernetes.default.svc", help=argparse.SUPPRESS)
    parser.add_argument("--credentials", type=Path, default=SERVICE_ACCOUNT, help=argparse.SUPPRESS)
    parser.add_argument("--report-only", action="store_true", help="exit with 0 whatever is not proven")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")
    given = parser.parse_args(argv)
    if bool(given.pods) != bool(given.roles) or (given.transport and not given.pods):
        parser.error("--pods goes with --roles, and --transport with both")
    return given


def _targets(given: argparse.Namespace) -> Targets:
    return Targets(
        endpoint=given.endpoint.rstrip("/"),
        prefill=tuple(given.prefill),
        decode=tuple(given.decode),
        worker=tuple(given.worker),
        model=given.model,
        timeout=given.timeout,
        nixl=given.kv_transfer == "nixl",
    )


def _namespaced(text: str) -> tuple[str, str]:
    if not re.fullmatch(r"[a-z0-9-]+/[a-z0-9-]+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAMESPACE/GRAPH")
    namespace, _, graph = text.partition("/")
    return namespace, graph


def _http_url(text: str) -> str:
    if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no http address; write it as http://host:port")
    return text


def _seconds(text: str) -> float:
    if not re.fullmatch(r"\d{1,6}(\.\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return float(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the proof and print it; the exit code is in the module's docstring."""
    given = command_line(argv)
    try:
        report = _prove(given, lambda step: print(step, file=sys.stderr, flush=True))
    except UnreachableError as fault:
        report = Report(given.model, (Verdict("workers found", False, f"{fault}."),))
    if given.json:
        print(json.dumps({"proven": report.proven, **asdict(report)}))
    else:
        for verdict in report.verdicts:
            print(f"{'proven' if verdict.proven else 'NOT PROVEN':<10}  {verdict.check}: {verdict.sentence}")
    return 0 if report.proven or given.report_only else 1


def _prove(given: argparse.Namespace, progress: Callable[[str], None]) -> Report:
    targets = _targets(given)
    if not given.pods:
        return prove(targets, progress)
    pods = Pods(Cluster.of_this_pod(given.api, given.credentials), *given.pods)
    report = prove(found_workers(targets, pods, given.roles), progress)
    if not given.transport:
        return report
    return replace(report, verdicts=(*report.verdicts, prove_transport(pods, given.transport)))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("the proof was interrupted")
