"""Answers about a new stack as the blocks of its stack file, and what the loader says of them."""

import json
from collections.abc import Mapping
from typing import Any

from catalog import locations
from catalog.capacity import NAMES as MODES
from catalog.capacity import capacity_mode
from catalog.defaults import default_machine
from catalog.engines import default_engine
from catalog.layouts import layouts_for, rules, why_not
from catalog.machines import GpuMachine, gpu_machine, gpu_machine_name, gpu_machine_names
from catalog.models import Layout, Placement, card, card_name, card_names
from planning.load import load
from reading.errors import ConfigInvalid, Error
from settings.endpoint import Exposure
from settings.forms import EXAMPLE_PROJECT
from settings.stack_config import NAMESPACE, StackConfig

Answers = Mapping[str, str]
"""Name of a question → its answer, as text."""

DEPLOYMENT = "chat"

UNASSIGNED = "unassigned"
"""Value of the labels that the policies require, until somebody sets them."""

_PROJECT = "gcp:project"

ZONE = "location.zone"

_LAYOUT = f"models.{DEPLOYMENT}.layout"

_NEWER = (
    "The list is of {date}; for a newer zone, answer with a listed one, then change dynamo-gke:location in the stack "
    "file, with allowUnlisted: true"
)


def machine_of(answers: Answers) -> GpuMachine | None:
    """The chosen machine, or the default; None if the answer names none."""
    try:
        return gpu_machine(gpu_machine_name(answers.get("machine") or default_machine()))
    except (ValueError, ConfigInvalid):
        return None


def machines_in(zone: str) -> tuple[str, ...]:
    """The GPU machines that a zone lists, all without a known zone; the catalog's default first."""
    region = locations.region_of(zone)
    known = zone in locations.known().all_zones
    listed = (name for name in gpu_machine_names() if not known or gpu_machine(name).listed_in(region, zone))
    return tuple(sorted(listed, key=lambda name: name != default_machine()))


def modes_of(answers: Answers) -> tuple[str, ...]:
    """The capacity modes in which the chosen machine is sold."""
    node = machine_of(answers)
    return tuple(mode for mode in MODES if node is None or mode in node.sold)


def needs_reservation(answers: Answers) -> bool:
    mode = answers.get("capacity", "")
    return mode in MODES and capacity_mode(mode).reserved


def on_gpus(answers: Answers) -> bool:
    """Whether the chosen layout has GPUs, or none is chosen yet."""
    rule = rules().layouts.get(answers.get("layout", ""))
    return rule is None or rule.placement is not Placement.CPU


def layouts_of(answers: Answers) -> dict[str, Layout]:
    """The layouts on GPUs in which the chosen machine can serve the chosen model, the smallest first."""
    node = machine_of(answers)
    if "model" not in answers:
        return {}
    try:
        chosen = card(card_name(answers["model"]))
    except (ValueError, ConfigInvalid):
        return {}
    found = layouts_for(chosen, node, default_engine()) if node else {}
    return {name: layout for name, layout in found.items() if layout.placement is not Placement.CPU}


def blocks(answers: Answers) -> dict[str, Any]:
    """The config of the stack file, by full key."""
    zone, layouts = answers["zone"], layouts_of(answers)
    # Without any, the first rule, of which the loader says why it is not possible.
    layout = answers.get("layout") or next(
        iter([*layouts, *(name for name in rules().layouts if on_gpus({"layout": name}))])
    )
    chat = {"model": answers["model"], "layout": layout}
    node = machine_of(answers)
    if node and not node.rdma and layout in layouts and layouts[layout].prefill:
        chat["kvTransfer"] = "tcp"  # without RDMA there is no other transport
    # A region in place of the zone is one error, not two.
    region = zone if locations.known().zones_of(zone) else locations.region_of(zone)
    endpoint: dict[str, Any] = {"exposure": answers["exposure"]}
    endpoint |= {"domain": answers["domain"]} if answers.get("domain") else {}
    if ranges := answers.get("allow", "").replace(",", " ").split():
        endpoint["allowedCidrs"] = ranges
    return {
        _PROJECT: answers["project"],
        f"{NAMESPACE}:location": {"region": region, "zone": zone},
        **({f"{NAMESPACE}:capacity": _capacity(answers)} if on_gpus(answers) else {}),
        f"{NAMESPACE}:models": {DEPLOYMENT: chat},
        f"{NAMESPACE}:endpoint": endpoint,
        f"{NAMESPACE}:labels": {
            "owner": answers.get("owner") or UNASSIGNED,
            "costCenter": answers.get("cost-center") or UNASSIGNED,
        },
    }


def _capacity(answers: Answers) -> dict[str, Any]:
    capacity = {"machine": answers.get("machine") or default_machine(), "mode": answers["capacity"]}
    return capacity | ({"reservation": answers["reservation"]} if answers.get("reservation") else {})


def stack_config(stack: str, config: Mapping[str, Any]) -> StackConfig:
    """Blocks as Pulumi hands them to the program."""
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    return StackConfig(stack=stack, values=values, secrets=frozenset())


def errors(stack: str, answers: Answers) -> tuple[Error, ...]:
    """What the loader says of the answers so far. Valid stand-ins take the place of those that are missing."""
    answers = dict(answers)
    place, found = answers.get("zone"), list[Error]()
    if place is not None and not locations.known().zones_of(place):
        example = _zone_of(machine_of(answers) or gpu_machine(default_machine()))
        # The loader would judge the region, too, which nobody gave.
        if why := locations.no_zone(place, example):
            found.append(Error(ZONE, f"{why}. {_NEWER.format(date=locations.known().date)}"))
            del answers["zone"]
    try:
        load(stack_config(stack, blocks(_with_stand_ins(answers))))
    except ConfigInvalid as invalid:
        # Of a stand-in's place nobody needs an error.
        found += [error for error in invalid.errors if not found or not error.path.startswith("location.")]
    return tuple(_with_what_fits(error, answers) if error.path == _LAYOUT else error for error in found)


def _with_what_fits(error: Error, answers: Answers) -> Error:
    """The error of a layout. Where no layout on GPUs fits, its message names what does fit."""
    node, model = machine_of(answers), answers.get("model")
    if not node or not model or layouts_of(answers) or not on_gpus(answers):
        return error
    layout = answers.get("layout") or next(name for name in rules().layouts if on_gpus({"layout": name}))
    if not (why := why_not(card(card_name(model)), node, default_engine(), layout)):
        return error
    models = [name for name in card_names() if layouts_of({**answers, "model": name})]
    mode = answers.get("capacity")
    machines = [
        name
        for name in machines_in(answers.get("zone", ""))
        if layouts_of({**answers, "machine": name}) and (mode is None or mode in gpu_machine(name).sold)
    ]
    fitting = [
        *([f"on {node.name} fit the models {', '.join(models)}"] if models else []),
        *([f"the model fits the machines {', '.join(machines)}"] if machines else []),
    ] or [f"nothing else fits; layout {', '.join(_without_gpus())} needs no GPUs, and has none"]
    return Error(_LAYOUT, f"{layout} is not possible: {why}; {'; '.join(fitting)}")


def _without_gpus() -> list[str]:
    return [name for name in rules().layouts if not on_gpus({"layout": name})]


def _with_stand_ins(answers: Answers) -> Answers:
    node_in_zone = next(iter(machines_in(answers.get("zone", ""))), default_machine())
    complete = {"project": EXAMPLE_PROJECT, "machine": node_in_zone, "exposure": Exposure.NONE.value} | dict(answers)
    node = machine_of(complete) or gpu_machine(default_machine())
    complete = {"zone": _zone_of(node), "capacity": next(iter(node.sold))} | complete
    if needs_reservation(complete):
        complete = {"reservation": "my-reservation"} | complete
    fitting = (name for name in card_names() if layouts_of(complete | {"model": name}))
    complete = {"model": next(fitting, card_names()[0])} | complete
    if complete["exposure"] == Exposure.GATEWAY.value:
        complete = {"domain": "llm.example.com", "allow": "8.8.8.8"} | complete
    return complete


def _zone_of(node: GpuMachine) -> str:
    """A zone that lists the machine."""
    known = locations.known()
    place = node.zones[0] if node.zones else next(iter(known.zones))
    return known.zones_of(place)[0] if place in known.zones else place
