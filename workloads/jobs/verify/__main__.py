"""Command line of the verification: `python3 -m verify`, or `python -m ops verify` outside the cluster.

    verify --endpoint http://frontend:8000 --prefill http://p0:9090/metrics --decode http://d0:9090/metrics
    verify --endpoint http://chat-frontend:8000 --pods dynamo/chat --roles prefill decode --transport rdma --ranks 8
    verify --transport-log decode-0=decode-0.log decode-1=decode-1.log --ranks 8

Exit code: 0 everything is verified or --report-only, 1 something is not, 2 an argument is invalid.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from .cluster import SERVICE_ACCOUNT, Cluster, Pods
from .metrics import COMPONENT
from .outcome import Outcome, Report, Verdict
from .transport import Finding, Transport, judge_log
from .untrusted import plain
from .verification import Targets, verify, verify_pods
from .web import UnreachableError


class _Parser(argparse.ArgumentParser):
    """Ends with 2 on an invalid argument, and prints one JSON object then, too, if --json was given."""

    as_json = False

    def error(self, message: str) -> NoReturn:
        if self.as_json:
            print(json.dumps({"verified": False, "error": plain(message, 400)}))
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: error: {plain(message, 400)}\n")


def command_line(argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments, checked. Ends the process with 2 and a usage line when they are invalid."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = _Parser(prog="verify", description="Verify that an endpoint serves disaggregated.", allow_abbrev=False)
    parser.as_json = "--json" in words
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--endpoint", type=_http_url, help="the frontend, such as http://frontend:8000")
    what.add_argument(
        "--transport-log",
        action="extend",
        nargs="+",
        type=_pod_file,
        metavar="POD=FILE",
        help="judge saved logs of decode pods only",
    )
    for role in COMPONENT:
        parser.add_argument(
            f"--{role}",
            action="extend",
            nargs="*",
            default=[],
            type=_http_url,
            help=f"metrics address of each {role} worker",
        )
    parser.add_argument("--model", help="the model that must be listed; otherwise the first that is")
    parser.add_argument("--timeout", type=_seconds, default=120.0, help="seconds until servable and answered (120)")
    parser.add_argument("--kv-transfer", choices=["nixl"], help="also verify that KV cache moved (real vLLM)")
    parser.add_argument("--pods", type=_namespaced, help="NAMESPACE/GRAPH: find the workers by the Kubernetes API")
    parser.add_argument(
        "--roles",
        action="extend",
        nargs="*",
        default=[],
        choices=list(COMPONENT),
        help="with --pods: the graph's roles",
    )
    parser.add_argument(
        "--transport",
        choices=[transport.value for transport in Transport],
        help="the transport that must be found; with --pods: also read the logs (saved logs: rdma unless given)",
    )
    parser.add_argument("--ranks", type=_ranks, help="processes of a decode pod that must have read, its GPUs (vLLM)")
    parser.add_argument("--api", type=_http_url, default="https://kubernetes.default.svc", help=argparse.SUPPRESS)
    parser.add_argument("--credentials", type=Path, default=SERVICE_ACCOUNT, help=argparse.SUPPRESS)
    parser.add_argument("--report-only", action="store_true", help="exit with 0 whatever is not verified")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    given = parser.parse_args(words)
    for role in COMPONENT:
        if twice := _repeated(getattr(given, role)):
            parser.error(f"--{role}: {twice[0]} is given twice; its requests would be counted twice")
    if given.transport_log:
        _check_logs(parser, given)
    elif bool(given.pods) != bool(given.roles) or ((given.transport or given.ranks) and not given.pods):
        parser.error("--pods goes with --roles; --transport and --ranks go with both, or with --transport-log")
    return given


def _check_logs(parser: _Parser, given: argparse.Namespace) -> None:
    if twice := _repeated([pod for pod, _ in given.transport_log]):
        parser.error(f"--transport-log: {', '.join(twice)} is given twice; one file holds a pod's whole log")
    of_file: dict[tuple[int, int], str] = {}
    for pod, path in given.transport_log:
        if problem := _unreadable(path):
            parser.error(f"--transport-log {pod}={path}: {problem}")
        file = path.stat()
        other = of_file.setdefault((file.st_dev, file.st_ino), pod)
        if other != pod:
            parser.error(f"--transport-log {pod}={path}: is the file of {other}, too; each pod has a log of its own")


def _repeated(values: Sequence[str]) -> list[str]:
    return sorted({value for value in values if values.count(value) > 1})


def _unreadable(path: Path) -> str | None:
    """Why a file cannot be read; None if it can."""
    try:
        if not path.exists():
            return "there is no such file"
        if not path.is_file():
            return "is a directory or a device; name the file with the log"
        with path.open("rb") as data:
            while data.read(1 << 20):
                continue
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None


def _pod_file(text: str) -> tuple[str, Path]:
    pod, equals, file = text.partition("=")
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,253}", pod) or not equals or not file:
        raise argparse.ArgumentTypeError(f"{plain(text)!r} is not of the form POD=FILE")
    return pod, Path(file)


def _namespaced(text: str) -> tuple[str, str]:
    if not re.fullmatch(r"[a-z0-9-]+/[a-z0-9-]+", text):
        raise argparse.ArgumentTypeError(f"{plain(text)!r} is not of the form NAMESPACE/GRAPH")
    namespace, _, graph = text.partition("/")
    return namespace, graph


def _http_url(text: str) -> str:
    try:
        valid = bool(re.fullmatch(r"https?://[^/\s@]+(/\S*)?", text)) and bool(urlsplit(text).hostname)
        valid = valid and urlsplit(text).port != 0
    except ValueError:  # a port that is no number, brackets that do not close
        valid = False
    if not valid:
        raise argparse.ArgumentTypeError(f"{plain(text)!r} is no http address; write it as http://host:port")
    return text


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", text):
        raise argparse.ArgumentTypeError(f"{plain(text)!r} is no number of seconds")
    return float(text)


def _ranks(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,3}", text):
        raise argparse.ArgumentTypeError(f"{plain(text)!r} is no number of processes; give 1 or more")
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Verify and print; the exit code is in the module's docstring."""
    given = command_line(argv)
    verified = _logs(given) if given.transport_log else _graph(given)
    return 0 if verified or given.report_only else 1


def _logs(given: argparse.Namespace) -> bool:
    """Judge saved logs and print one verdict a pod. Whether all are verified."""
    expected = Transport(given.transport or Transport.RDMA)
    found = {pod: _of_file(path, expected, given.ranks) for pod, path in given.transport_log}
    verified = all(finding.outcome is Outcome.VERIFIED for finding in found.values())
    if given.json:
        pods = [{"pod": pod, "verdict": finding.outcome, "reason": finding.reason} for pod, finding in found.items()]
        print(json.dumps({"verified": verified, "transport": expected, "pods": pods}))
    else:
        for pod, finding in found.items():
            print(f"{finding.outcome:<12}  {pod}: {finding.reason}.")
    return verified


def _of_file(path: Path, expected: Transport, ranks: int | None) -> Finding:
    # As the Job reads it: a byte that is no UTF-8 is one wrong character, and "\r" ends no line.
    with path.open(encoding="utf-8", errors="replace", newline="\n") as text:
        return judge_log((line.rstrip("\n") for line in text), expected, ranks)


def _graph(given: argparse.Namespace) -> bool:
    """Verify a graph and print one line a check. Whether it is verified."""

    def progress(step: str) -> None:
        print(plain(step, 400), file=sys.stderr, flush=True)

    targets = Targets(
        endpoint=given.endpoint.rstrip("/"),
        prefill=tuple(given.prefill),
        decode=tuple(given.decode),
        worker=tuple(given.worker),
        model=given.model,
        timeout=given.timeout,
        nixl=given.kv_transfer == "nixl",
    )
    try:
        if given.pods:
            pods = Pods(Cluster.of_this_pod(given.api, given.credentials), *given.pods)
            transport = Transport(given.transport) if given.transport else None
            report = verify_pods(targets, pods, given.roles, transport, given.ranks, progress)
        else:
            report = verify(targets, progress)
    except UnreachableError as error:
        report = Report(given.model, (Verdict("workers found", Outcome.UNKNOWN, f"{error}."),))
    if given.json:
        print(json.dumps(_wire(report)))
    else:
        for verdict in report.verdicts:
            print(f"{verdict.outcome:<12}  {plain(verdict.check)}: {plain(verdict.sentence, 1000)}")
    return report.verified


def _wire(report: Report) -> dict[str, Any]:
    return {
        "verified": report.verified,
        "model": report.model and plain(report.model),
        "prompts": report.prompts,
        "verdicts": [
            {"check": v.check, "verdict": v.outcome, "sentence": plain(v.sentence, 1000)} for v in report.verdicts
        ],
        "workers": [asdict(share) for share in report.workers],
    }


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("the verification was interrupted")
