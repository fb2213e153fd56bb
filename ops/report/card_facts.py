"""A model card and its layouts on a machine: as plain data for JSON, and as a page."""

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from catalog import sizing
from catalog.contracts import KvCacheDtype
from catalog.engines import engine
from catalog.models import Card, file_of
from ops.report import printing
from ops.report.format_uses import by_engine, by_use
from ops.report.plain import plain
from planning.candidates import Candidates, nodes
from planning.deployments import Deployment, DeploymentRole

Facts = dict[str, Any]


def facts(name: str, found: Candidates) -> Facts:
    """The JSON of a card, given by name or file."""
    card, machine = found.card, found.machine
    loaded = by_engine(machine.gpus)
    own = loaded[found.engine.name]
    return {
        "name": card.name,
        "file": file_of(name),
        "repository": card.repository,
        "revision": card.revision,
        "files": len(card.files) if card.files else None,
        "license": card.license,
        "gated": card.gated,
        "maxModelLen": card.architecture.max_model_len,
        "defaultMaxModelLen": card.default_max_model_len,
        "weightsGib": round(sizing.weights_bytes(card) / sizing.GIB, 1),
        "parameters": _parameters(card),
        "attention": card.attention.to_wire(),
        "kvCache": _kv_cache(card),
        "machine": {"name": machine.name, "gpus": machine.gpus.count, "product": machine.gpus.product},
        "format": {
            "weights": card.weights.format,
            "onMachine": own.get(card.weights.format),
            "ofMachine": own,
        },
        "engine": found.engine.name,
        "engineFormats": {
            name: {
                "onMachine": uses.get(card.weights.format),
                "condition": engine(name).format_condition(card.weights.format, machine.gpus),
                "ofMachine": uses,
            }
            for name, uses in loaded.items()
        },
        "engineArgs": {engine: list(words) for engine, words in card.engine_args.items()},
        "layouts": {layout: _layout(each) for layout, each in found.deployments.items()},
        "impossible": dict(found.impossible),
    }


def _parameters(card: Card) -> int | None:
    """The parameter count from the architecture, without extras of some models such as query and key norms.

    None where the card's numbers do not determine it: for a mixture of experts, latent and linear attention.
    """
    if card.architecture.kind == "moe" or card.attention.kind in ("mla", "linear"):
        return None
    return sizing.parameters(card)


def _kv_cache(card: Card) -> Facts:
    """KV cache bytes per token on an engine with one GPU, by number format."""
    layers, attention = card.architecture.layers, card.attention
    return {
        "bytesPerToken": {each.value: attention.elements_per_token(layers, 1) * each.bytes for each in KvCacheDtype},
        "bytesPerTokenInWindow": {
            each.value: attention.elements_in_window(layers, 1) * each.bytes for each in KvCacheDtype
        },
        "window": attention.window if attention.kind == "hybrid" else None,
        "bytesPerSequence": attention.bytes_per_sequence(1),
    }


def _layout(of: Deployment) -> Facts:
    return {
        "placement": of.layout.placement.value,
        "engine": of.engine.name,
        "gpus": of.layout.gpus,
        "nodes": nodes(of),
        "why": of.layout.why,
        "roles": {role.value: _role(of, each) for role, each in of.roles.items()},
    }


def _role(of: Deployment, role: DeploymentRole) -> Facts:
    memory = of.memory(role) if of.divisible and not of.simulated else None
    return {
        "replicas": role.replicas,
        "tensorParallel": role.tensor_parallel,
        "gpus": role.replicas * role.tensor_parallel if of.on_gpus else 0,
        "kvTokens": memory.kv_tokens if memory else None,
        "overheadGib": round(memory.overhead / sizing.GIB, 1) if memory else None,
        "overheadSource": memory.overhead_source if memory else None,
    }


def page(of: Facts) -> RenderableType:
    """The card as a page of text."""
    machine = of["machine"]
    lines = {
        "repository": f"{of['repository']}, {of['license']}{', gated' if of['gated'] else ''}",
        "revision": _revision(of),
        "weights": f"{of['weightsGib']:.1f} GiB",
        "parameters": f"about {of['parameters'] / 1e9:.2f} billion" if of["parameters"] else "unknown",
        "attention": _attention_words(of["attention"]),
        "KV cache": _cache_words(of["kvCache"]),
        "context": f"{of['maxModelLen']:,} tokens; {of['defaultMaxModelLen']:,} unless a stack sets engine.maxModelLen",
        "machine": f"{machine['name']}, {machine['gpus']} × {machine['product']}",
        "format": of["format"]["weights"],
    }
    lines |= {f"format in {engine(name).title}": _format_words(each, of) for name, each in of["engineFormats"].items()}
    lines |= {f"args of {engine}": " ".join(words) for engine, words in of["engineArgs"].items()}
    head = Text.assemble((of["name"], "bold"), f" · {plain(of['file'])}")
    width = max(map(len, lines)) + 2
    body = [Text(f"{label:{width}}{plain(text)}") for label, text in lines.items()]
    impossible = [Text(f"{layout}: not possible: {plain(why)}") for layout, why in of["impossible"].items()]
    return Group(head, *body, Text(), _table(of["layouts"]), *impossible)


def _format_words(of_engine: Facts, of: Facts) -> str:
    """How an engine handles the card's number format on the machine, and every format that it loads there."""
    words = {"weightOnly": "weight-only, computed in 16 bits", None: "not supported"}
    use, product = of_engine["onMachine"], of["machine"]["product"]
    but = f", but {of_engine['condition']}" if of_engine["condition"] else ""
    return f"on {product}: {words.get(use, use)}{but}; loads {by_use(of_engine['ofMachine'])} there"


def _revision(of: Facts) -> str:
    listed = f", {of['files']} files listed" if of["files"] else ""
    return f"{of['revision'] or 'not pinned'}{listed}"


def _attention_words(of: Facts) -> str:
    numbers = (f"{key} {value}" for key, value in of.items() if key not in ("kind", "sinks"))
    return f"{of['kind']}: {', '.join(numbers)}{', with sinks' if of['sinks'] else ''}"


def _cache_words(cache: Facts) -> str:
    """KV cache bytes per token, by format."""
    sizes = (f"{count:,} (kvCacheDtype {name})" for name, count in cache["bytesPerToken"].items())
    words = f"bytes per token: {', '.join(sizes)}"
    if cache["window"]:
        more = " or ".join(f"{count:,}" for count in cache["bytesPerTokenInWindow"].values())
        words += f"; plus {more} for each of the last {cache['window']} tokens"
    if cache["bytesPerSequence"]:
        words += f"; plus {cache['bytesPerSequence']:,} for each sequence"
    return words


def _table(layouts: Facts) -> RenderableType:
    counts = ("engines", "GPUs each", "KV tokens each, predicted", "GPUs", "nodes")
    table = printing.table("layout", "engine", "role", *counts, "why", right=counts)
    for name, layout in layouts.items():
        of_layout = [name, layout["engine"], str(layout["gpus"]), str(layout["nodes"]), plain(layout["why"])]
        for role, each in layout["roles"].items():
            label, engine, *rest = map(Text, of_layout)
            table.add_row(label, engine, role, *_engine_cells(each), *rest)
            of_layout = [""] * len(of_layout)  # a layout's own columns are filled in its first row only
    return table


def _engine_cells(role: Facts) -> tuple[str, str, str]:
    """Engines of a role, GPUs per engine, KV tokens per engine."""
    tokens = role["kvTokens"]
    return (
        str(role["replicas"]),
        str(role["tensorParallel"]) if role["gpus"] else "–",
        "–" if tokens is None else f"{tokens:,}",
    )
