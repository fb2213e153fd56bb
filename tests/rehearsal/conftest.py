"""The programs of the rehearsals. Without them every test here is skipped, and the summary says so first."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress

import pytest

from ops.local import private_network
from ops.local.errors import LocalRunError
from ops.rehearsal import kubelet, pool_nodes
from ops.rehearsal.control_plane import ControlPlane
from ops.rehearsal.kube import Kube
from ops.rehearsal.programs import Programs, ProgramsMissing, find
from ops.rehearsal.world import World
from tests.rehearsal.installed import Platform, installed
from tests.rehearsal.judge.process import Deployed
from tests.rehearsal.simulated import Cluster

NOT_REHEARSED = "not rehearsed: "


def pytest_cmdline_main() -> None:
    """Makes a user who is not root the root of a user namespace, before pytest starts its workers.

    A worker has two threads, and only root may then enter a private network. Where the kernel refuses, tests say so.
    """
    if os.geteuid() != 0:
        with suppress(LocalRunError):
            private_network.enter(as_root=True)


@pytest.fixture(scope="session")
def programs() -> Programs:
    """The programs of this machine; skips the test without them."""
    try:
        return find()
    except ProgramsMissing as missing:
        pytest.skip(f"{NOT_REHEARSED}{missing}")


@pytest.fixture(scope="session")
def kubectl() -> None:
    """Skips the test without kubectl, which runs the commands that mend a stack."""
    if not shutil.which("kubectl"):
        pytest.skip(
            f"{NOT_REHEARSED}kubectl is not on PATH, so no creation failed and no named fault was mended: install it"
        )


@pytest.fixture(scope="session")
def private() -> None:
    """Moves this process, and so every later test, into a private network, because a control plane's ports are fixed.

    Once: a second network would strand the threads that gRPC keeps in the first.
    """
    private_network.enter()


@pytest.fixture(scope="module")
def cluster(private: None, programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A real control plane, until the end of a file of tests: what one file leaves or breaks is in no other's way."""
    world = World(tmp_path_factory.mktemp("world"))
    plane = ControlPlane.start(world, programs, kubelet.kwok_config())
    try:
        kube = Kube(world.kubeconfig)
        pool_nodes.create_classes(kube)
        yield Cluster(world, plane, kube)
    finally:
        plane.stop()


@pytest.fixture(scope="module")
def platform(cluster: Cluster, programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Dynamo's platform in that cluster, until the end of a file of tests."""
    with installed(cluster, programs, tmp_path_factory) as found:
        yield found


@pytest.fixture(scope="module")
def deployed(
    request: pytest.FixtureRequest, programs: Programs, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    """The BASE of a file of tests, deployed by the real engine in a private network of its own, until its end."""
    found = Deployed(request.module.BASE, tmp_path_factory.mktemp("base"), programs)
    try:
        yield found
    finally:
        found.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says in red what was not rehearsed, and why: a skipped test looks like a passed one in a long log."""
    skipped: list[pytest.TestReport] = terminalreporter.stats.get("skipped", [])
    reasons = (str(report.longrepr).partition(NOT_REHEARSED)[2].rstrip("')") for report in skipped)
    if sentences := sorted({*reasons} - {""}):
        terminalreporter.section("NOT REHEARSED", sep="=", red=True, bold=True)
        for sentence in sentences:
            terminalreporter.line(sentence, red=True)
