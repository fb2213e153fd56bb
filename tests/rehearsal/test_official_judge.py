"""`rehearse --judge official`, with a plugin under the official name that is the stand-in but for one difference.

Shows which binary judges, that it only previews, and how a difference is reported; nothing about Google's own provider.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ops.changes.gcp_inputs import sdk_version
from ops.rehearsal import official
from ops.rehearsal.programs import Programs
from tests.stacks import ROOT

SECONDS = 900
PLUGIN = """\
#!{python}
import os, sys
sys.path.insert(0, {root!r})
from pulumi.runtime.proto import provider_pb2
from ops.rehearsal.google import __main__, provider

with open({log!r}, "a") as log:
    print(sorted(os.environ), file=log)


class Judge(provider.GoogleProvider):
    def _says(self, what, request):
        with open({log!r}, "a") as log:
            print(what, request.urn, file=log)

    def Create(self, request, context):
        self._says("Create" if request.preview else "CREATED", request)
        return super().Create(request, context)

    def Update(self, request, context):
        self._says("Update" if request.preview else "UPDATED", request)
        return super().Update(request, context)

    def Diff(self, request, context):
        self._says("Diff", request)
        if request.urn.endswith("Router::network-router"):
            return provider_pb2.DiffResponse(
                changes=provider_pb2.DiffResponse.DIFF_SOME, diffs=["bgp"], hasDetailedDiff=True,
                detailedDiff={{"bgp.asn": provider_pb2.PropertyDiff(kind=provider_pb2.PropertyDiff.UPDATE)}},
            )
        return super().Diff(request, context)


provider.GoogleProvider = Judge
sys.exit(__main__.main())
"""


@dataclass(frozen=True, kw_only=True)
class Run:
    code: int
    report: dict[str, Any]
    log: Sequence[str]
    """First the names of the plugin's environment, then its calls."""


def rehearse(*words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops", "rehearse", "--stack", "dev", "--judge", *words, "--json"],
        cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def judged(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Run:
    home = tmp_path_factory.mktemp("home")
    plugin, log = home / "plugins" / f"resource-gcp-v{sdk_version()}" / official.NAME, home / "log"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(PLUGIN.format(python=sys.executable, root=str(ROOT), log=str(log)))
    plugin.chmod(0o755)
    theirs = {"GOOGLE_APPLICATION_CREDENTIALS": "/theirs", "GOOGLE_CREDENTIALS": "theirs", "KUBECONFIG": "/theirs"}
    done = rehearse("official", env={"PULUMI_HOME": str(home), **theirs})
    assert done.stdout, done.stderr
    return Run(code=done.returncode, report=json.loads(done.stdout), log=log.read_text().splitlines())


def test_the_difference_is_named_and_is_the_only_one(judged: Run) -> None:
    up, preview = judged.report["steps"]
    assert (up["step"], up["ok"]) == ("up", True)
    assert preview["step"] == f"preview by Google's provider {sdk_version()}"
    assert preview["said"].startswith("1 of ")
    assert preview["errors"] == ["update Router network-router: bgp.asn"]
    assert (judged.code, judged.report["ok"]) == (1, False)


def test_the_plugin_judges_every_resource_once_and_creates_nothing(judged: Run) -> None:
    calls = [line.split(" ") for line in judged.log[1:]]
    compared = [urn for what, urn in calls if what == "Diff"]
    google = [
        e["urn"]
        for e in judged.report["timeline"]["resources"]
        if e["urn"].split("::")[2].rpartition("$")[2][:4] == "gcp:"
    ]
    assert google
    assert sorted(compared) == sorted(google)
    assert {what for what, _ in calls} <= {"Diff", "Create", "Update"}


def test_the_plugin_gets_nothing_of_the_callers(judged: Run) -> None:
    assert not {"GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CREDENTIALS", "KUBECONFIG"} & set(eval(judged.log[0]))


REFUSED = {
    "without the plugin": (("official",), 1, "rehearsal", "`pulumi plugin install resource gcp v"),
    "another judge": (("officiel",), 2, "--judge", "did you mean official?"),
    "with a fault": (("official", "--fail", "NodePool"), 2, "--judge", "only previews after `up`"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_before_anything_runs(name: str, tmp_path: Path) -> None:
    words, code, path, says = REFUSED[name]
    done = rehearse(*words, env={"PULUMI_HOME": str(tmp_path), "HOME": str(tmp_path), "TMPDIR": str(tmp_path)})
    (fault,) = json.loads(done.stdout)["faults"]
    assert (done.returncode, fault["path"]) == (code, path)
    assert says in fault["message"]
    assert not list(tmp_path.iterdir())
