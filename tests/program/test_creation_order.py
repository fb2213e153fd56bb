"""The program lets nothing come before what it needs, and protects what the plan says, in every shipped stack."""

import pytest

from ops.offline import stackfile
from ops.rehearsal.engine import creation_order, protection
from planning.load import load
from planning.plan import plan
from tests.stacks import ROOT, SHIPPED, recorded


@pytest.mark.parametrize("stack", SHIPPED)
def test_each_resource_depends_on_what_must_exist_before_it(stack: str) -> None:
    state = [
        {
            "urn": each.urn,
            "type": each.type,
            "inputs": each.inputs,
            "dependencies": each.depends_on,
            "parent": each.parent,
            "provider": f"{each.provider}::id" if each.provider else None,
            **each.options,
        }
        for each in recorded(stack, preview=False).resources
    ]
    assert list(creation_order.violations(state)) == []
    assert list(protection.violations(state, plan(load(stackfile.read(ROOT, stack, []))))) == []
