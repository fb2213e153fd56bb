"""Lets NIXL's progress thread sleep between polls, in processes that have this folder on PYTHONPATH.

Python imports a module of this name when it starts. NIXL's Python code ignores its setting and polls without a pause,
so that two engines on two cores starve their own heartbeats.
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
    """Lets every agent that is created from now on sleep between polls, whatever its configuration says."""
    agent = bindings.nixlAgent

    def patient(name: str, config: Any) -> Any:
        config.pthrDelay = PAUSE_MICROSECONDS
        return agent(name, config)

    bindings.nixlAgent = patient  # pyright: ignore[reportAttributeAccessIssue]


class _Finder(MetaPathFinder):
    """Import finder that changes the bindings on import, and no other module."""

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != BINDINGS:
            return None
        sys.meta_path.remove(self)  # otherwise the next line would recurse
        spec = importlib.util.find_spec(fullname)
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                make_patient(module)

            spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, _Finder())
