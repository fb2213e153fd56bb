"""What the loops of all stand-ins share: an error of the API server ends none of them, and is said."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.rehearsal.changes import Changes, Watched
from ops.rehearsal.kube import ApiError, Kube

RETRY_SECONDS = 1.0
"""At most, from an error to the next attempt. The client itself has tried for as long as the API server restarts."""


class StandIn:
    """A stand-in at work, until `stop` is set."""

    def __init__(self, name: str, kube: Kube, logs: Path, stop: threading.Event) -> None:
        """`logs`: the folder of its log, which repeats an error only after it has changed."""
        self.name, self.kube, self.stop = name, kube, stop
        self._log = logs / f"{name}.log"
        self._errors: dict[str, str] = {}

    def run(self, watched: Iterable[Watched], look: Callable[[], float]) -> None:
        """Looks at the cluster after each change of what is watched, and after the seconds that `look` has returned."""
        changes = Changes(self.kube, watched, self.stop)
        seconds = 0.0
        while not self.stop.is_set():
            changes.wait(seconds)
            seconds = RETRY_SECONDS
            with self.surviving():
                seconds = look()

    @contextmanager
    def surviving(self, task: str = "") -> Iterator[None]:
        """An error of the API server ends the block, and nothing else."""
        try:
            yield
        except ApiError as error:
            said = f"the stand-in of the {self.name} fails{f' at {task}' if task else ''}: {error}"
            if self._errors.get(task) != said:
                self._log.parent.mkdir(parents=True, exist_ok=True)
                with self._log.open("a", encoding="utf-8") as log:
                    print(said, file=log)
            self._errors[task] = said
        else:
            self._errors.pop(task, None)

    def errors(self) -> list[str]:
        """What it cannot do at present, and why: a sentence each."""
        return [*self._errors.copy().values()]
