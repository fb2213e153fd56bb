"""The real Pulumi CLI in a separate folder, with its state there. No cloud, no plugin, no program.

The CLI checks a stack's config before it starts a program, so a runtime that does not exist ends each command right
behind that check.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

PULUMI = shutil.which("pulumi")
ENDS_BEHIND_THE_CHECK = "language-none"


class Cli:
    """`pulumi` in a separate folder, with its state there."""

    def __init__(self, folder: Path, project: Path) -> None:
        self.project = folder / "project"
        self.project.mkdir()
        for path in project.glob("Pulumi*.yaml"):
            shutil.copy(path, self.project)
        declared = self.project / "Pulumi.yaml"
        declared.write_text(re.sub(r"runtime:\n(?:  .*\n)+", "runtime: none\n", declared.read_text()))
        self.state = folder / "state"
        self.state.mkdir()
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": self.state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "x",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
        }

    def __call__(
        self, *words: str, given: str = "", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        assert PULUMI
        return subprocess.run(
            [PULUMI, "--non-interactive", *words],
            cwd=self.project, env=self.env | dict(env or {}), input=given, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip

    def loads(self, stack: str) -> bool:
        """Whether the CLI takes the stack's config."""
        done = self("preview", "--stack", stack, "--skip-plugin-pre-install")
        said = done.stdout + done.stderr
        assert (ENDS_BEHIND_THE_CHECK in said) != ("validating stack config" in said), said
        return ENDS_BEHIND_THE_CHECK in said
