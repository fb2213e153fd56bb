"""A command ends with its children, whenever it is interrupted."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ops import interrupts
from ops.local import command
from ops.local.command import started


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, although who runs tests in the background has them ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_an_interrupt_while_the_command_starts_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = tmp_path / "pid"

    def interrupting() -> Callable[[], None]:
        parent = os.getpid()

        def in_the_child() -> None:
            pid.write_text(str(os.getpid()))
            os.kill(parent, signal.SIGINT)

        return in_the_child

    monkeypatch.setattr(command, "tied_to_this_process", interrupting)
    with pytest.raises(KeyboardInterrupt), started(["sleep", "60"], 60, os.environ):
        pytest.fail("not interrupted")
    assert not Path("/proc", pid.read_text()).exists()


@pytest.mark.usefixtures("heard")
def test_an_interrupt_that_was_held_back_comes_at_the_end_of_the_block() -> None:
    came: list[str] = []

    def interrupted_block() -> None:
        with interrupts.held_back():
            os.kill(os.getpid(), signal.SIGINT)
            came.append("the end")

    with pytest.raises(KeyboardInterrupt):
        interrupted_block()
    assert came == ["the end"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_command_that_cannot_be_started_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), started([str(tmp_path / "missing")], 60, os.environ):
        pytest.fail("started")
