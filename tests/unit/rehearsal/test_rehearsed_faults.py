"""The page of rehearsed failures says what came of each resource, and of the stack."""

from typing import Any

from tools.rehearsed_faults import page

PREFIX = "urn:pulumi:prod::dynamo-gke::dynamo-gke:infra:Network$gcp:compute"
CREATED, MISSING = f"{PREFIX}/network:Network::network-vpc", f"{PREFIX}/firewall:Firewall::network-webhook"


def report(*, converged: bool, **steps: str) -> dict[str, Any]:
    ups = [{"step": f"up {number}", "said": "1 created"} for number in (1, 2)]
    others = [{"step": step, "said": said} for step, said in steps.items()]
    return {"struck": {CREATED: True, MISSING: False}, "converged": converged, "steps": [*ups, *others]}


def test_a_resource_that_was_not_created_later_is_named() -> None:
    written = page({"prod": report(converged=True, destroy="9 deleted, nothing left", stand_ins="ended")}, "2026-01-31")
    assert "on 2026-01-31:" in written
    assert "2 resources failed once; 2 updates until one succeeded. It converged." in written
    assert "Then `destroy`: 9 deleted, nothing left." in written
    assert "| `gcp:compute/firewall:Firewall` | network-webhook (**not created**) |" in written
    assert "| `gcp:compute/network:Network` | network-vpc |" in written


def test_a_stack_that_did_not_converge_stands_out() -> None:
    written = page({"prod": report(converged=False)}, "2026-01-31")
    assert "**It did not converge**. Then `destroy`: **not reached**." in written
