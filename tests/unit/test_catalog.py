"""Every card and every machine file: complete, consistent, and every layout of every card can be built."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog import models
from catalog.contracts import Role
from catalog.defaults import defaults
from catalog.machines import cpu_machine, cpu_machine_names, gpu_machine, gpu_machine_names
from catalog.models import Placement, card, card_names
from catalog.models.attention import GroupedQuery
from catalog.models.model_card import Card
from manifests.graph import build
from ops.commands.models import app
from planning import checks
from planning.load import load
from planning.plan import plan
from reading import entries
from reading.errors import ConfigInvalid
from tests import catalog_folder
from tests.stacks import config, layouts

EVERY = [(name, layout) for name in card_names() for layout in layouts(name)]


def test_the_promised_models_exist() -> None:
    assert set(card_names()) >= {
        "llama-3.3-70b-instruct",
        "llama-3.3-70b-instruct-fp8",
        "qwen3-32b",
        "gpt-oss-120b",
        "llama-3.1-8b-instruct",
        "qwen3-0.6b",
    }


@pytest.mark.parametrize(("model", "layout"), EVERY)
def test_every_layout_fits_and_renders(model: str, layout: str) -> None:
    planned = plan(load(config({"models.chat": {"model": model, "layout": layout}})))
    (graph,) = planned.graphs
    assert build(graph, planned.labels).spec.components
    assert all(worker.memory is None or worker.memory.fits for worker in graph.workers)


@pytest.mark.parametrize("name", card_names())
def test_a_card_says_where_its_facts_come_from(name: str) -> None:
    chosen = card(name)
    assert chosen.revision_source
    assert chosen.architecture.source
    assert chosen.license
    assert chosen.default_max_model_len <= chosen.architecture.max_model_len
    assert {"simulated", "single-node", "multi-node", "aggregated"} <= set(layouts(name))


@pytest.mark.parametrize("name", card_names())
def test_layouts_use_the_nodes_that_are_paid_for(name: str) -> None:
    gpus = gpu_machine(defaults().machine).gpus
    for layout in layouts(name).values():
        if layout.placement is Placement.SHARED:
            assert sum(r.replicas * r.tensor_parallel for r in layout.roles.values()) == gpus.count
        elif layout.placement is Placement.PER_ROLE:
            assert all(r.replicas * r.tensor_parallel % gpus.count == 0 for r in layout.roles.values())


TWINS = {"single-node": "aggregated", "multi-node": "multi-node-aggregated"}


@pytest.mark.parametrize("name", card_names())
def test_every_disaggregated_layout_has_an_aggregated_twin_on_as_many_gpus(name: str) -> None:
    its = layouts(name)

    def gpus(layout: str) -> int:
        return sum(role.replicas * role.tensor_parallel for role in its[layout].roles.values())

    for layout, twin in TWINS.items():
        assert set(its[twin].roles) == {Role.WORKER}
        assert gpus(layout) == gpus(twin)
    disaggregated = {name for name, layout in its.items() if layout.prefill and layout.placement is not Placement.CPU}
    assert disaggregated == set(TWINS)


def test_prices_have_a_date_and_a_kind() -> None:
    machines = [*map(gpu_machine, gpu_machine_names()), *map(cpu_machine, cpu_machine_names())]
    for machine in machines:
        for price in machine.prices.values():
            assert price.date
            assert price.source
            assert price.usd_per_hour > 0


def test_roles_of_a_layout_are_the_roles_a_stack_can_override() -> None:
    assert {role for name in card_names() for layout in layouts(name).values() for role in layout.roles} == set(Role)


def test_errors_of_good_settings_are_none() -> None:
    assert list(checks.errors(load(config()))) == []


GOOD_CARD = (models.FOLDER / "gpt-oss-120b.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "path", "rule"),
    [
        ("heads: 64", "heads: many", "attention.heads", 'got "many"; input should be a valid integer'),
        ("kvHeads: 8", "kvHeads: 0", "attention.kvHeads", "got 0; input should be greater than or equal to 1"),
        ("gated: false", "gatd: false", "gatd", "is not a key here; did you mean gated?"),
        ("headDim: 64", "headDimm: 64", "attention.headDimm", "did you mean headDim?"),
        ("license: apache-2.0\n", "", "license", "is required"),
        ("totalBytes: 65248815744", "bytesPerParameter: 2", "weights.bytesPerParameter", "totalBytes"),
        ("placement: shared", "placement: near", "layouts.single-node.placement", 'got "near"; input should be'),
        ("gated: false", "gated: false\ngated: true", "gated", "given twice"),
        ("gated: false", "gated: [", "", "is not YAML in line"),
        (
            "kind: hybrid",
            "kind: hybird",
            "attention.kind",
            '"hybird" is not one of gqa, hybrid, linear, mla; did you mean hybrid?',
        ),
        ("  kind: hybrid\n", "", "attention.kind", "is required; one of gqa, hybrid, linear, mla"),
        ("kind: hybrid", "kind: gqa", "attention.fullLayers", "is not a key here"),
        ("kind: hybrid", "kind: mla", "attention.kvLoraRank", "is required"),
        ("fullLayers: 18", "fullLayers: 36", "", "attention.fullLayers: 36 must be fewer than"),
        ("format: mxfp4", "format: mxfp5", "weights.format", '"mxfp5" is not one of bf16'),
        ("totalBytes: 65248815744", "", "", "weights.totalBytes: is required for a mixture of experts"),
        ("kind: moe", "kind: dense", "", "architecture.experts: a dense model has none"),
        ("active: 4", "active: 400", "", "architecture.experts.active: 400 exceeds count, 128"),
        ("defaultMaxModelLen: 32768", "defaultMaxModelLen: 999999", "defaultMaxModelLen", "exceeds architecture"),
    ],
)
def test_an_error_of_a_card_names_file_key_value_and_rule(old: str, new: str, path: str, rule: str) -> None:
    with pytest.raises(ConfigInvalid) as raised:
        entries.checked(Card, "catalog/models/ours.yaml", "ours", GOOD_CARD.replace(old, new, 1).encode())
    where = [str(error) for error in raised.value.errors if rule in error.message or rule in error.path]
    assert any(error.startswith(f"catalog/models/ours.yaml: {path}".removesuffix(": ")) for error in where), (
        raised.value
    )


FORMER_CARD = """
repository: acme/dense
revision: null
revisionSource: none
licence: mit
gated: false
weights: {format: fp8, bytesPerParameter: 1}
architecture: {source: config.json, kind: dense, hiddenSize: 64, layers: 2, vocabSize: 100, intermediateSize: 128,
  heads: 8, kvHeads: 2, headDim: 8, attentionSinks: true, tiedEmbeddings: false, maxModelLen: 4096}
defaultMaxModelLen: 2048
layouts: {}
"""


def test_a_card_with_the_keys_of_before_still_loads() -> None:
    former = entries.checked(Card, "ours.yaml", "ours", FORMER_CARD.encode())
    assert former.license == "mit"
    assert former.attention == GroupedQuery(kind="gqa", heads=8, kv_heads=2, head_dim=8, sinks=True)
    assert former.weights.format == "fp8"


def test_all_errors_of_a_card_are_reported_at_once() -> None:
    broken = GOOD_CARD.replace("heads: 64", "heads: many", 1).replace("gated: false", "gated: maybe", 1)
    with pytest.raises(ConfigInvalid) as raised:
        entries.checked(Card, "ours.yaml", "ours", broken.encode())
    assert [error.path for error in raised.value.errors] == ["ours.yaml: attention.heads", "ours.yaml: gated"]


@pytest.fixture
def with_a_broken_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalog beside a card `broken` that has an error."""
    folder = catalog_folder.copied(models, tmp_path, monkeypatch)
    (folder / "broken.yaml").write_text(GOOD_CARD.replace("heads: 64", "heads: many", 1))


@pytest.mark.usefixtures("with_a_broken_card")
def test_a_broken_card_hides_no_other() -> None:
    done = CliRunner().invoke(app, ["--json"])
    assert done.exit_code == 2
    listed = json.loads(done.stdout)
    assert "gpt-oss-120b" in {row["name"] for row in listed["models"]}
    assert listed["faults"][0]["path"] == "catalog/models/broken.yaml: attention.heads"
    assert done.stderr.startswith("error: catalog/models/broken.yaml: attention.heads: ")
    assert load(config())


@pytest.mark.usefixtures("with_a_broken_card")
def test_a_stack_that_names_a_broken_card_is_refused_beside_its_other_errors() -> None:
    with pytest.raises(ConfigInvalid) as raised:
        load(config({"models.chat.model": "broken", "models.other": {"model": "qwen3-32", "layout": "aggregated"}}))
    paths = [error.path for error in raised.value.errors]
    assert paths == ["catalog/models/broken.yaml: attention.heads", "models.other.model"]
