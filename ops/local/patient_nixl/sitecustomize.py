"""Makes NIXL's progress thread sleep between polls, in processes that have this folder on PYTHONPATH.

Python imports a module of this name by itself when it starts. NIXL's Python code has the thread poll without a pause,
whatever it is told, and on two cores two engines then starve their own heartbeats.
"""

import importlib.util
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

BINDINGS = "nixl_cu13._bindings"
PAUSE_MICROSECONDS = 2000


def make_patient(bindings: ModuleType) -> None:
    """Has every agent that is made from now on sleep between polls, whatever its configuration says."""
    agent = bindings.nixlAgent

    def patient(name: str, config: Any) -> Any:
        config.pthrDelay = PAUSE_MICROSECONDS
        return agent(name, config)

    bindings.nixlAgent = patient  # pyright: ignore[reportAttributeAccessIssue]


class _Finder(MetaPathFinder):
    """Changes the bindings when they are imported, and nothing else."""

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != BINDINGS:
            return None
        sys.meta_path.remove(self)  # or the next line would end up here again
        spec = importlib.util.find_spec(fullname)
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                make_patient(module)

            spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, _Finder())
