"""What a kill leaves in doubt: a user imports what Google Cloud has of it, and forgets the rest."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ops.offline.dry_run import planned
from ops.rehearsal.faults.creation import Creation
from ops.rehearsal.faults.lost_answers import LostAnswers
from ops.rehearsal.faults.named import Named
from ops.rehearsal.faults.scene import Scene
from ops.rehearsal.google.cloud import Cloud, Resource
from ops.rehearsal.world import World
from policies import kinds

STACK = "urn:pulumi:try::dynamo-gke"
PARENT, PROVIDER = f"{STACK}::dynamo-gke:infra:Network::network", f"{STACK}::pulumi:providers:gcp::google"
NAT_ID = "my-project/us-central1/dynamo-try/dynamo-try"


def urn(kind: str, name: str) -> str:
    return f"{STACK}::dynamo-gke:infra:Network${kind}::{name}"


def create(cloud: Cloud, exist: dict[str, str]) -> None:
    """`exist`: URN → id."""
    with cloud.change() as content:
        for of, id_ in exist.items():
            state = {"name": of.rpartition("::")[2], "project": "p"}
            content.add(Resource(type=of.split("$")[1].rpartition("::")[0], id=id_, urn=of, state=state))


def mends(
    folder: Path, *, exist: dict[str, str], pending: list[str], lost: str, again: dict[str, str] | None = None
) -> list[str]:
    """The commands after a kill.

    `exist`: URN → id; `lost`: URN of a firewall rule whose answer was lost besides; `again`: what of it is created once
    more after its own mend.
    """
    cloud = Cloud(World(folder).cloud)
    create(cloud, exist)
    operations = [{"resource": {"urn": of, "parent": PARENT, "provider": f"{PROVIDER}::1-2-3"}} for of in pending]
    stack: Any = SimpleNamespace(watchers=[], pending=lambda: operations, refresh=list)
    answers = LostAnswers()
    process: Any = SimpleNamespace(kill=list)
    cluster: Any = None
    scene = Scene(
        world=World(folder),
        stack=stack,
        plan=planned("try", []),
        urns=[*pending, lost],
        cloud=cloud,
        cluster=cluster,
        answers=answers,
        process=process,
    )
    troubles = Creation(scene).troubles([Named.KILLED, Named.LOST_ANSWER])
    assert all(answers.strikes(of) for of in (urn(kinds.ROUTER_NAT, "network-nat"), lost))
    if again:
        (conflict,) = [each for each in troubles if each.explains("Firewall network-webhook: googleapi: Error 409: …")]
        for remedy in conflict.mends():
            remedy.apply()
        create(cloud, again)
    (locked, *_) = [each for each in troubles if each.explains("the stack is currently locked by 1 lock")]
    return [remedy.said for remedy in locked.mends()]


def test_what_exists_is_imported_unless_another_fault_mends_it(tmp_path: Path) -> None:
    nat, firewall = urn(kinds.ROUTER_NAT, "network-nat"), urn(kinds.FIREWALL, "network-webhook")
    alert, grant = urn(kinds.ALERT_POLICY, "alert"), urn(kinds.GRANTS[0], "reader")
    exist = {nat: NAT_ID, firewall: "projects/p/global/firewalls/w", grant: "p/reader/me"}
    pending = [nat, firewall, alert, grant]
    related = f"--parent network={PARENT} --provider google={PROVIDER}"
    assert mends(tmp_path, exist=exist, pending=pending, lost=firewall) == [
        "pulumi cancel --yes",
        f"pulumi import --yes --protect=false --generate-code=false {related} {kinds.ROUTER_NAT} network-nat {NAT_ID}",
        "pulumi refresh --yes --clear-pending-creates",
    ]


def test_whatever_was_in_flight_is_imported(tmp_path: Path) -> None:
    nat, alert = urn(kinds.ROUTER_NAT, "network-nat"), urn(kinds.ALERT_POLICY, "alert")
    exist = {nat: NAT_ID, alert: "projects/p/alertPolicies/7"}
    lost = urn(kinds.FIREWALL, "network-webhook")
    found = mends(tmp_path, exist=exist, pending=[alert, nat], lost=lost)
    assert [said.rpartition(" ")[2] for said in found] == [
        "--yes",
        "projects/p/alertPolicies/7",
        NAT_ID,
        "--clear-pending-creates",
    ]


def test_what_another_fault_has_mended_before_is_imported(tmp_path: Path) -> None:
    """A firewall rule that was deleted, because its first creation's answer was lost, and is created beside the NAT."""
    nat, firewall = urn(kinds.ROUTER_NAT, "network-nat"), urn(kinds.FIREWALL, "network-webhook")
    rule = {firewall: "projects/p/global/firewalls/w"}
    found = mends(tmp_path, exist={nat: NAT_ID, **rule}, pending=[nat, firewall], lost=firewall, again=rule)
    assert [said.rpartition(" ")[2] for said in found] == ["--yes", NAT_ID, rule[firewall], "--clear-pending-creates"]
