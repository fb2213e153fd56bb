"""Where Google's own provider plugin is looked for, and what is said where it is not."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from ops.changes.gcp_inputs import sdk_version
from ops.rehearsal import official
from ops.rehearsal.programs import ProgramsMissing
from tests.unit.rehearsal.test_programs import plugin, put


def installed(folder: Path, version: str) -> Path:
    return put(folder / "plugins" / f"resource-gcp-v{version}" / official.NAME, "")


def error(caller: Mapping[str, str]) -> str:
    with pytest.raises(ProgramsMissing) as missing:
        official.find(caller)
    return str(missing.value)


def test_an_installed_plugin_is_found_in_pulumis_folder(tmp_path: Path) -> None:
    home = installed(tmp_path / ".pulumi", sdk_version())
    own = installed(tmp_path / "own", sdk_version())
    assert official.find({"HOME": str(tmp_path)}) == home
    assert official.find({"HOME": str(tmp_path), "PULUMI_HOME": str(tmp_path / "own")}) == own


def test_a_plugin_on_path_must_have_the_pinned_version(tmp_path: Path) -> None:
    found = put(tmp_path / "bin" / official.NAME, plugin(f"v{sdk_version()}"))
    caller = {"HOME": str(tmp_path), "PATH": str(found.parent)}
    assert official.find(caller) == found
    put(found, plugin("v9.0.0"))
    assert f"; {found} is 9.0.0; get it with" in error(caller)
    put(found, "#!/bin/sh\n")
    assert f"; {found} tells no released version; get it with" in error(caller)


def test_without_it_the_error_says_where_it_was_looked_for_and_what_gets_it(tmp_path: Path) -> None:
    installed(tmp_path / ".pulumi", "9.0.0")
    assert error({"HOME": str(tmp_path), "PATH": str(tmp_path)}) == (
        f"Google's provider plugin {sdk_version()}, which --judge needs, is neither on PATH nor in "
        f"{tmp_path}/.pulumi/plugins; get it with `pulumi plugin install resource gcp v{sdk_version()}`"
    )
