"""A model card on one machine, without a stack: for each layout, a deployment, or the reason why it is impossible."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from catalog.engines import Engine, default_engine
from catalog.layouts import layout_names, layouts_for, why_not
from catalog.machines import GpuMachine
from catalog.models import Card, Layout, Placement
from planning.checks import number_formats
from planning.checks.engine_args import argument_errors
from planning.deployments import Deployment, deployment
from planning.pools import node_counts
from planning.resolve import engines_of, known_card
from reading.errors import ConfigInvalid
from settings.models import EngineSettings, ModelSettings


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """The layouts of a card on a machine."""

    card: Card
    machine: GpuMachine
    engine: Engine
    """The engine of the layouts on GPUs."""
    deployments: Mapping[str, Deployment]
    """Layout → deployment with default settings."""
    impossible: Mapping[str, str]
    """Other layout of `catalog/layouts.yaml` → why it is impossible on the machine."""


def candidates(name: str, machine: GpuMachine, engine: Engine | None = None) -> Candidates:
    """The layouts of a card, given by name or file, with the catalog's default engine unless another is given.

    Raises ConfigInvalid with every error of the card.
    """
    card, chosen = known_card(name), engine or default_engine()
    layouts = layouts_for(card, machine, chosen)
    found = {
        layout: deployment("model", _settings(name, layout, layouts[layout], engine), card, layouts, machine, None)
        for layout in layouts
    }
    if errors := {error for each in found.values() for error in argument_errors(each)}:
        raise ConfigInvalid(errors)
    refused = {layout: _why_not_computed(each, machine) for layout, each in found.items()}
    return Candidates(
        card=card,
        machine=machine,
        engine=chosen,
        deployments={layout: each for layout, each in found.items() if not refused[layout]},
        impossible={layout: why for layout, why in refused.items() if why}
        | dict(_impossible(card, machine, chosen, found)),
    )


def _settings(model: str, name: str, layout: Layout, engine: Engine | None) -> ModelSettings:
    """The settings of a layout. A layout on CPU nodes keeps its own engine."""
    named = engine if engine and layout.placement is not Placement.CPU else None
    return ModelSettings(model=model, layout=name, engine=EngineSettings(name=named.name if named else None))


def _why_not_computed(of: Deployment, machine: GpuMachine) -> str:
    """Why the machine cannot compute with a deployment's weights; empty if it can, or if no GPU is used."""
    why = number_formats.refusal(of, machine) if of.on_gpus else None
    return f"the weights {why}" if why else ""


def _impossible(
    card: Card, machine: GpuMachine, engine: Engine, found: Mapping[str, Deployment]
) -> Iterator[tuple[str, str]]:
    for layout in layout_names():
        if layout not in found and (why := why_not(card, machine, engine, layout)):
            yield layout, why


def nodes(of: Deployment) -> int:
    """GPU nodes of a deployment that is alone in its pools."""
    return sum(count.nodes for count in node_counts(engines_of(of)).values())
