"""Command line of the verification: `python3 -m verify`, or `python -m ops verify` outside the cluster.

    verify --endpoint http://frontend:8000 --prefill http://p0:9090/metrics --decode http://d0:9090/metrics
    verify --endpoint http://chat-frontend:8000 --pods dynamo/chat --roles prefill decode --transport rdma --ranks 8
    verify --transport-log decode-0=decode-0.log decode-1=decode-1.log --ranks 8

Exit code: 0 if everything is verified or with --report-only, 1 if a check is not verified, 2 for an invalid argument.
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
from .transfer import Transfer
from .transport import OPERATIONS, Finding, Transport, judge_log
from .untrusted import plain, say
from .verification import Expected, Targets, verify, verify_pods
from .web import UnreachableError


class Parser(argparse.ArgumentParser):
    """Argument parser that exits with 2 on an invalid argument; with --json, it also prints one JSON object."""

    as_json = False

    def error(self, message: str) -> NoReturn:
        if self.as_json:
            _print_json({"verified": False, "error": plain(message, 400)})
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: error: {plain(message, 400)}\n")


def command_line(argv: Sequence[str] | None, more: str | None = None) -> argparse.Namespace:
    """The checked arguments. Exits with 2 and a usage line if they are invalid.

    `more` ends the help text: options that the caller has already parsed.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    parser = Parser(
        prog="verify",
        description="Verify that an endpoint serves disaggregated.",
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.as_json = "--json" in words
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--endpoint", type=_http_url, help="the frontend, such as http://frontend:8000")
    what.add_argument(
        "--transport-log",
        action="extend",
        nargs="+",
        type=_pod_file,
        metavar="POD=FILE",
        help="only judge saved logs of the pods that move KV cache",
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
    parser.add_argument("--model", help="the model that must be listed (default: the first one listed)")
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=120.0,
        help="seconds until the model is listed and all prompts are answered (120)",
    )
    _add_transfer(parser)
    parser.add_argument("--pods", type=_namespaced, help="NAMESPACE/GRAPH: find the workers through the Kubernetes API")
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
        help="the transport that the logs must show; with --pods: also read the logs (saved logs: rdma by default)",
    )
    parser.add_argument("--ranks", type=_ranks, help="processes per pod that must have a table: an engine's GPUs")
    parser.add_argument(
        "--transport-role", choices=list(COMPONENT), default="decode", help="whose logs show the transport (decode)"
    )
    parser.add_argument(
        "--operation", choices=OPERATIONS, default="read", help="how these workers access a peer's memory (read)"
    )
    parser.add_argument(
        "--metrics-port", type=_port, default=9090, help="with --pods: where workers serve metrics (9090)"
    )
    parser.add_argument("--api", type=_http_url, default="https://kubernetes.default.svc", help=argparse.SUPPRESS)
    parser.add_argument("--credentials", type=Path, default=SERVICE_ACCOUNT, help=argparse.SUPPRESS)
    parser.add_argument("--report-only", action="store_true", help="exit with 0 even if a check is not verified")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    given = parser.parse_args(words)
    for role in COMPONENT:
        if twice := _repeated(getattr(given, role)):
            parser.error(f"--{role}: {twice[0]} is given twice, so its requests would be counted twice")
    _check_transfer(parser, given)
    if given.transport_log:
        _check_logs(parser, given)
    elif bool(given.pods) != bool(given.roles) or ((given.transport or given.ranks) and not given.pods):
        parser.error("--pods and --roles need each other; --transport and --ranks need both, or --transport-log")
    return given


# The options that name the counters of the KV transfer; the first four need each other.
_COUNTED = ("transfer_role", "moved", "transfers", "absent")


def _add_transfer(parser: Parser) -> None:
    """Adds the options for the KV transfer. They name the engine's own series."""
    group = parser.add_argument_group("KV transfer", "The first four options need each other; the others need them.")
    group.add_argument("--transfer-role", choices=list(COMPONENT), help="the role whose counters are read")
    group.add_argument("--moved", type=_series, metavar="SERIES", help="counter of the transferred amount")
    group.add_argument("--transfers", type=_series, metavar="SERIES", help="counter of transfers")
    group.add_argument("--absent", metavar="WORDS", help="what to check if a counter is missing")
    group.add_argument("--unit", default="By", help="unit of the amount, in UCUM notation (By: bytes)")
    group.add_argument("--failed", type=_series, metavar="SERIES", help="counter of failed transfers")
    group.add_argument("--used", type=_series, metavar="SERIES", help="counter of prompt tokens that decode received")
    group.add_argument("--carrier", default="", help="the library that moves the cache, for the report")


def _check_transfer(parser: Parser, given: argparse.Namespace) -> None:
    named = [name for name in _COUNTED if getattr(given, name)]
    if (named or given.failed or given.used) and len(named) < len(_COUNTED):
        missing = ", ".join(f"--{name.replace('_', '-')}" for name in _COUNTED if name not in named)
        parser.error(f"the KV transfer needs several options together; {missing} is missing")


def _check_logs(parser: Parser, given: argparse.Namespace) -> None:
    if twice := _repeated([pod for pod, _ in given.transport_log]):
        parser.error(f"--transport-log: {', '.join(twice)} is given twice; give one file with the pod's whole log")
    of_file: dict[tuple[int, int], str] = {}
    for pod, path in given.transport_log:
        if problem := _unreadable(path):
            parser.error(f"--transport-log {pod}={path}: {problem}")
        file = path.stat()
        other = of_file.setdefault((file.st_dev, file.st_ino), pod)
        if other != pod:
            parser.error(f"--transport-log {pod}={path}: is also the file of {other}; each pod has its own log")


def _repeated(values: Sequence[str]) -> list[str]:
    return sorted({value for value in values if values.count(value) > 1})


def _unreadable(path: Path) -> str | None:
    """The reason why a file cannot be read; None if it is readable."""
    try:
        if not path.exists():
            return "the file does not exist"
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
    except ValueError:  # a port that is not a number, unclosed brackets
        valid = False
    if not valid:
        raise argparse.ArgumentTypeError(f"{plain(text)!r} is not an HTTP address; write it as http://host:port")
    return text


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", text):
        raise argparse.ArgumentTypeError(f"{plain(text)!r} is not a number of seconds")
    return float(text)


def _ranks(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,3}", text):
        raise argparse.ArgumentTypeError(f"{plain(text)!r} is not a number of processes; give 1 or more")
    return int(text)


def _port(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{plain(text)!r} is not a port; give 1 to 65535")
    return int(text)


def _series(text: str) -> str:
    if not re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", text):
        raise argparse.ArgumentTypeError(f"{plain(text)!r} is not the name of a Prometheus series")
    return text


def main(argv: Sequence[str] | None = None, more: str | None = None) -> int:
    """Verifies and prints; the module's docstring lists the exit codes. `more` ends the help text."""
    given = command_line(argv, more)
    verified = _logs(given) if given.transport_log else _graph(given)
    return 0 if verified or given.report_only else 1


def _logs(given: argparse.Namespace) -> bool:
    """Judges saved logs and prints one verdict per pod. Returns whether all are verified."""
    expected = Transport(given.transport or Transport.RDMA)
    found = {pod: _of_file(path, expected, given) for pod, path in given.transport_log}
    verified = all(finding.outcome is Outcome.VERIFIED for finding in found.values())
    if given.json:
        pods = [
            {"pod": pod, "verdict": finding.outcome, "reason": plain(finding.reason, 1000)}
            for pod, finding in found.items()
        ]
        _print_json({"verified": verified, "transport": expected, "pods": pods})
    else:
        for pod, finding in found.items():
            _print_verdict(finding.outcome, pod, f"{finding.reason}.")
    return verified


def _print_verdict(outcome: Outcome, check: str, sentence: str) -> None:
    say(f"{check}: {sentence}", before=f"{outcome:<12}  ")


def _print_json(content: Any) -> None:
    """Prints JSON whose strings are escaped, so that neither a terminal nor a CI runner interprets them."""
    print(json.dumps(content).replace("##[", "##\\u005b"), flush=True)


def _of_file(path: Path, expected: Transport, given: argparse.Namespace) -> Finding:
    # As in the Job: an invalid UTF-8 byte becomes a replacement character, and "\r" does not end a line.
    with path.open(encoding="utf-8", errors="replace", newline="\n") as text:
        return judge_log((line.rstrip("\n") for line in text), expected, given.ranks, given.operation)


def _graph(given: argparse.Namespace) -> bool:
    """Verifies a graph and prints one line per check. Returns whether it is verified."""

    def progress(step: str) -> None:
        say(step, sys.stderr)

    targets = Targets(
        endpoint=given.endpoint.rstrip("/"),
        prefill=tuple(given.prefill),
        decode=tuple(given.decode),
        worker=tuple(given.worker),
        model=given.model,
        timeout=given.timeout,
        transfer=_transfer(given) if given.moved else None,
        transport=Expected(Transport(given.transport), given.transport_role, given.operation, given.ranks)
        if given.transport
        else None,
    )
    try:
        if given.pods:
            namespace, graph = given.pods
            cluster = Cluster.of_this_pod(given.api, given.credentials)
            pods = Pods(cluster, namespace, graph, given.metrics_port)
            report = verify_pods(targets, pods, given.roles, progress)
        else:
            report = verify(targets, progress)
    except UnreachableError as error:
        report = Report(given.model, (Verdict("workers found", Outcome.UNKNOWN, f"{error}."),))
    if given.json:
        _print_json(_wire(report))
    else:
        # Failed checks come last: a pod's status, which Pulumi shows, has the last 2 KiB of the log only.
        for verdict in sorted(report.verdicts, key=lambda verdict: not verdict.verified):
            _print_verdict(verdict.outcome, verdict.check, verdict.sentence)
    return report.verified


def _transfer(given: argparse.Namespace) -> Transfer:
    return Transfer(
        role=given.transfer_role,
        moved=given.moved,
        unit=given.unit,
        transfers=given.transfers,
        absent=given.absent,
        failed=given.failed,
        used=given.used,
        carrier=given.carrier,
    )


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
