"""The environment of a rehearsal's processes, built from nothing. Pure.

Nothing of the caller's is passed on: no credentials of Google Cloud or Hugging Face, no kubeconfig, no proxy and no
setting of Pulumi. The home folder is the rehearsal's own, so that no program finds the files of these either.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ops.rehearsal.processes import COLLECTED_RARELY
from ops.rehearsal.world import VARIABLE, World

SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
PASSED_ON = ("TERM", "COLUMNS", "NO_COLOR", "DYNAMO_GKE_DEBUG")
"""What only changes how text is printed."""


def environment(world: World, programs: Sequence[Path], caller: Mapping[str, str]) -> dict[str, str]:
    """The whole environment. `programs` are the folders of the rehearsal's programs, `caller` the caller's own."""
    path = [world.commands, *dict.fromkeys(programs), *SYSTEM_PATH]
    home = str(world.folder)
    return {
        **{name: caller[name] for name in PASSED_ON if name in caller},
        "PATH": ":".join(map(str, path)),
        "HOME": home,
        "TMPDIR": str(world.temporary),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        # Its handlers would run in every child between fork and exec, and abort some of them.
        "GRPC_ENABLE_FORK_SUPPORT": "false",
        VARIABLE: home,
        "SSL_CERT_FILE": str(world.ca),
        "PULUMI_HOME": str(world.pulumi),
        "PULUMI_BACKEND_URL": world.state.as_uri(),
        # The state lives as long as the rehearsal, so its passphrase protects nothing and need not be secret.
        "PULUMI_CONFIG_PASSPHRASE": "rehearsal",
        **COLLECTED_RARELY,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
