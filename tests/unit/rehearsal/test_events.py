from typing import Literal

from ops.rehearsal.engine.events import Command, Message, StepEvent, short, steps

VPC = "urn:pulumi:dev::dynamo-gke::dynamo-gke:infra:Network$gcp:compute/network:Network::network-vpc"
COMPONENT = "urn:pulumi:dev::dynamo-gke::dynamo-gke:infra:Network::network"


def event(
    at: float, what: Literal["began", "ended", "failed"], urn: str = VPC, op: str = "create", *changed: str
) -> StepEvent:
    return StepEvent(at=at, what=what, op=op, urn=urn, changed=changed)


def test_a_step_lasts_from_its_begin_to_its_end() -> None:
    (step,) = steps([event(1, "began"), event(3, "ended")])
    assert (step.began, step.seconds, step.failed) == (1, 2, False)


def test_a_component_that_registers_its_outputs_is_one_step() -> None:
    events = [event(1, "began", COMPONENT), event(1, "ended", COMPONENT), event(9, "ended", COMPONENT)]
    assert [step.ended for step in steps(events)] == [1]


def test_a_step_without_an_end_failed_when_the_command_stopped() -> None:
    (done, cut) = steps([event(1, "began"), event(2, "began", op="update"), event(4, "failed")])
    assert (done.op, done.failed, done.ended) == ("create", True, 4)
    assert (cut.op, cut.failed, cut.ended) == ("update", True, 4)


def test_a_refresh_of_a_resource_ends_as_what_it_found() -> None:
    found = {"same": (), "update": ("mtu",), "delete": ()}
    urns = {op: f"{VPC}-{op}" for op in found}
    events = [
        *(event(0, "began", urn, "refresh") for urn in urns.values()),
        *(event(1, "ended", urns[op], op, *changed) for op, changed in found.items()),
    ]
    command = Command(name="refresh", ok=True, seconds=1, steps=steps(events), messages=())
    assert [(step.urn, step.failed, step.changed) for step in command.changes] == [
        (urns["update"], False, ("mtu",)),
        (urns["delete"], False, ()),
    ]
    assert len(command.steps) == len(found)


def test_errors_are_shown_once_without_colors_and_tokens_and_shortened() -> None:
    said = "<{%fg 1%}>error: quota<{%reset%}> of hf_AbCdEfGhIjKlMnOpQrStUv\n" + "\n".join(
        f"line {n}" for n in range(20)
    )
    message = Message(severity="error", urn=VPC, text=said)
    command = Command(
        name="up",
        ok=False,
        seconds=1,
        steps=(),
        messages=(message, message, Message(severity="warning", urn=None, text="not an error")),
    )
    (error,) = command.errors()
    assert error.splitlines() == [
        "Network network-vpc: quota of [secret]",
        *(f"line {n}" for n in range(7)),
        "… 13 more lines",
    ]


def failed(*urns: str | None) -> Command:
    said = (*((urn, "boom") for urn in urns), (None, "update failed"))
    messages = tuple(Message(severity="error", urn=urn, text=text) for urn, text in said)
    warning = Message(severity="warning", urn=COMPONENT, text="slow")
    return Command(name="up", ok=False, seconds=1, steps=(), messages=(*messages, warning))


def test_what_the_engine_adds_after_an_error_is_none() -> None:
    assert failed(VPC).errors() == ("Network network-vpc: boom",)
    assert failed().errors() == ("update failed",)


def test_errors_of_some_resources_can_be_left_out() -> None:
    subnet = VPC.replace("-vpc", "-subnet")
    assert failed(VPC, subnet).errors(but=[VPC]) == ("Network network-subnet: boom",)
    assert failed(VPC, None).errors(but=[VPC]) == ("boom",)
    assert failed(VPC).errors(but=[VPC]) == ()


def test_resources_with_errors_are_blamed() -> None:
    assert failed(VPC, None).blamed == {VPC}


def test_a_resource_is_named_by_kind_and_name() -> None:
    assert short(VPC) == "Network network-vpc"
    assert short("urn:pulumi:dev::dynamo-gke::pulumi:providers:gcp::google") == "provider google"
    assert short("urn:pulumi:dev::dynamo-gke::a:b:C$kubernetes:apps/v1:Deployment::web") == "Deployment web"
