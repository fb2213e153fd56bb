"""Answers about a new stack as the blocks of its stack file, and what the loader says of them."""

import json
from collections.abc import Mapping
from typing import Any

from catalog import locations
from catalog.capacity import NAMES as MODES
from catalog.capacity import capacity_mode
from catalog.defaults import default_machine
from catalog.engines import default_engine
from catalog.layouts import layouts_for, rules
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


def layouts_of(answers: Answers) -> dict[str, Layout]:
    """The layouts on GPUs in which the chosen machine can serve the chosen model, the smallest first."""
    node = machine_of(answers)
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
    on_gpus = (name for name, rule in rules().layouts.items() if rule.placement is not Placement.CPU)
    layout = answers.get("layout") or next(iter([*layouts, *on_gpus]))
    chat = {"model": answers["model"], "layout": layout}
    node = machine_of(answers)
    if node and not node.rdma and layout in layouts and layouts[layout].prefill:
        chat["kvTransfer"] = "tcp"  # without RDMA there is no other transport
    # A region in place of the zone is one error, not two.
    region = zone if locations.known().zones_of(zone) else locations.region_of(zone)
    capacity = {"machine": answers.get("machine") or default_machine(), "mode": answers["capacity"]}
    endpoint: dict[str, Any] = {"exposure": answers["exposure"]}
    capacity |= {"reservation": answers["reservation"]} if answers.get("reservation") else {}
    endpoint |= {"domain": answers["domain"]} if answers.get("domain") else {}
    if ranges := answers.get("allow", "").replace(",", " ").split():
        endpoint["allowedCidrs"] = ranges
    return {
        _PROJECT: answers["project"],
        f"{NAMESPACE}:location": {"region": region, "zone": zone},
        f"{NAMESPACE}:capacity": capacity,
        f"{NAMESPACE}:models": {DEPLOYMENT: chat},
        f"{NAMESPACE}:endpoint": endpoint,
        f"{NAMESPACE}:labels": {
            "owner": answers.get("owner") or UNASSIGNED,
            "costCenter": answers.get("cost-center") or UNASSIGNED,
        },
    }


def stack_config(stack: str, config: Mapping[str, Any]) -> StackConfig:
    """Blocks as Pulumi hands them to the program."""
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    return StackConfig(stack=stack, values=values, secrets=frozenset())


def errors(stack: str, answers: Answers) -> tuple[Error, ...]:
    """What the loader says of the answers so far. Valid stand-ins take the place of those that are missing."""
    try:
        load(stack_config(stack, blocks(_with_stand_ins(answers))))
    except ConfigInvalid as invalid:
        return invalid.errors
    return ()


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
