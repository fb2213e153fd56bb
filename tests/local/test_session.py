"""Programs that a client runs beside the graph end with it."""

import threading
import time
from pathlib import Path

import pytest

from ops.local.errors import LocalRunError
from ops.local.processes import LocalGraph
from ops.local.session import Session
from tests.local.deployed import alive, eventually


@pytest.fixture
def session(tmp_path: Path) -> Session:
    graph = LocalGraph(name="none", processes=(), changes=())
    return Session(graph, tmp_path, lambda _: None, threading.Event())


def test_a_program_gets_its_own_environment_only(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    session.call(["sh", "-c", "env > output"], {"ASKED": "for"}, 10)
    output = (session.folder / "output").read_text()
    assert "ASKED=for" in output
    assert "HF_HUB_OFFLINE" not in output


def test_a_program_that_fails_is_named_with_its_last_words(session: Session) -> None:
    with pytest.raises(LocalRunError, match=r"^sh failed with code 7: no more$"):
        session.call(["sh", "-c", "echo begun; echo no more; exit 7"], {}, 10)


def test_a_program_that_takes_too_long_is_ended(session: Session) -> None:
    with pytest.raises(LocalRunError, match=r"^sleep was not done after 0.2 s$"):
        session.call(["sleep", "300"], {}, 0.2)


def test_the_end_of_the_run_ends_a_program_and_its_children(session: Session) -> None:
    threading.Timer(1.0, session.ended.set).start()
    started = time.monotonic()
    with pytest.raises(LocalRunError, match="the run was stopped"):
        session.call(["sh", "-c", "sleep 300 & echo $! > pid; wait"], {}, 60)
    assert time.monotonic() - started < 10
    child = int((session.folder / "pid").read_text())
    # What is killed takes a moment to end.
    eventually(lambda: not alive(child), 5)
