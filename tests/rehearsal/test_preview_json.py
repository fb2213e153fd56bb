"""`preview --json` of a stack without a state has what `pulumi preview --json` has: inputs, dependencies, options."""

import json
from pathlib import Path

import pytest

from ops.offline.dry_run import DryRun
from ops.offline.recorded import SECRET
from ops.offline.recording import record
from ops.rehearsal.programs import Programs
from ops.rehearsal.world import World
from planning.load import load
from planning.plan import plan
from policies.kinds import SECRET as SECRET_OBJECT
from policies.kinds import SECRET_VERSION
from tests.rehearsal.judge import cases, registered
from tests.rehearsal.judge.process import started
from tests.stacks import ROOT, SHIPPED

SECONDS = 900


@pytest.mark.parametrize("base", [*SHIPPED, "full"])
def test_every_resource_is_printed_as_the_engine_has_it(base: str, programs: Programs, tmp_path: Path) -> None:
    process = started("empty_state", base, json.dumps(programs.to_wire()), world=World(tmp_path), programs=programs)
    digest, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, (tmp_path / "logs/empty_state.log").read_text()[-2000:]
    given = cases.read(base, ("preflight=false",))
    printed = DryRun(config=given, plan=plan(load(given)), recording=record(ROOT, given)).to_wire()
    engine = registered.of_engine(json.loads(digest))
    assert len(engine) == len(printed["resources"])
    assert [*registered.differences(registered.of_preview(printed), engine)] == []
    with_secrets = {resource["type"] for resource in engine.values() if SECRET in json.dumps(resource["inputs"])}
    assert with_secrets <= {SECRET_OBJECT, SECRET_VERSION}, "a secret is in an object that is no Secret"
