"""The collector stands still during the first import of the providers, never walks what it left, and then goes on."""

import subprocess
import sys

from tests.stacks import ROOT

PROGRAM = """
import gc, sys
from reading.garbage import kept
{before}
runs = []
gc.callbacks.append(lambda phase, info: runs.append(phase))
with kept():
    objects = [[] for _ in range(1_000_000)]
print(bool(runs), gc.get_freeze_count() > 1_000_000, gc.isenabled())
"""


def collected_frozen_enabled(before: str) -> str:
    command = [sys.executable, "-c", PROGRAM.format(before=before)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout.strip()


def test_the_first_import_is_kept() -> None:
    assert collected_frozen_enabled("") == "False True True"


def test_a_process_that_has_the_providers_keeps_no_garbage_of_a_run() -> None:
    assert collected_frozen_enabled("sys.modules['pulumi_gcp'] = gc; gc.set_threshold(700)") == "True False True"
