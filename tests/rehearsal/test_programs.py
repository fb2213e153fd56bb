"""The programs that a rehearsal would run report versions that fit."""

import pytest

from ops.rehearsal.pins import BINARIES, Binary
from ops.rehearsal.programs import Programs, Range, search_path, version_of


@pytest.mark.parametrize("binary", BINARIES, ids=lambda binary: binary.name)
def test_a_program_reports_a_version_that_fits(binary: Binary, programs: Programs) -> None:
    path = search_path([binary]).found[binary.name]
    version = version_of(binary, path)
    assert version
    assert version in Range.of(binary)
    if path == binary.built:
        assert version == binary.module.version
