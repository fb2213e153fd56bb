"""The pure rooms decide without Pulumi: nothing of it is loaded, directly or through another module."""

import subprocess
import sys

from tests.stacks import ROOT

PROBE = """
import importlib, pkgutil, sys
for room in ("reading", "catalog", "settings", "planning", "manifests"):
    for module in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}."):
        importlib.import_module(module.name)
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(name for name in loaded if name.startswith("pulumi")))
"""


def test_pure_rooms_load_no_pulumi() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_the_entry_stays_short() -> None:
    assert len((ROOT / "__main__.py").read_text().splitlines()) < 60
