"""Google's own provider plugin, of the version that the program pins, where the caller has it."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from ops.changes.gcp_inputs import sdk_version
from ops.rehearsal.programs import ProgramsMissing, version_of_plugin

NAME = "pulumi-resource-gcp"


def find(caller: Mapping[str, str]) -> Path:
    """The plugin among those that Pulumi has installed, else on PATH. Raises ProgramsMissing with where to get it."""
    wanted = sdk_version()
    home = Path(caller.get("PULUMI_HOME") or Path(caller.get("HOME", "/")) / ".pulumi")
    installed = home / "plugins" / f"resource-gcp-v{wanted}" / NAME
    if installed.is_file():
        return installed
    found = shutil.which(NAME, path=caller.get("PATH", ""))
    version = version_of_plugin(Path(found)) if found else None
    if found and str(version) == wanted:
        return Path(found)
    unfit = f"; {found} {f'is {version}' if version else 'tells no released version'}" if found else ""
    raise ProgramsMissing(
        f"Google's provider plugin {wanted}, which --judge needs, is neither on PATH nor in {home / 'plugins'}{unfit}; "
        f"get it with `pulumi plugin install resource gcp v{wanted}`"
    )
