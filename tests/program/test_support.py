"""docs/support.md says what the program does: each cell is rendered and strictly valid, or rejected."""

import pytest

from manifests.graph import build
from ops.offline.recording import record
from ops.report.objects import objects
from tests import strict, support_matrix
from tests.stacks import ROOT, config, errors, planned
from tests.support_matrix import Cell

ROWS = [
    (machine, engine)
    for machine, engine in dict.fromkeys((cell.machine.name, cell.engine.name) for cell in support_matrix.cells())
]


def row(machine: str, engine: str) -> list[Cell]:
    return [cell for cell in support_matrix.cells() if (cell.machine.name, cell.engine.name) == (machine, engine)]


@pytest.mark.parametrize(("machine", "engine"), ROWS, ids=["-".join(each) for each in ROWS])
def test_each_cell_is_what_the_page_says(machine: str, engine: str) -> None:
    for cell in row(machine, engine):
        if cell.words.startswith("rejected"):
            (found,) = errors(cell.stack)
            assert cell.possible or "gives a role" in found.message  # too few GPUs, as the page says
            continue
        plan = planned(cell.stack)
        (graph,) = plan.graphs
        assert (graph.engine, graph.layout, {pool.machine.name for pool in plan.gpu_pools}) == (
            engine,
            cell.layout,
            {machine},
        )
        assert strict.errors([build(graph, plan.labels).to_wire()]) == []
        assert bool(graph.kv_transfer) is cell.moves_kv


# One machine for each kind of GPU, in the layout with the most objects: a pool for each role.
SAMPLES = {
    (cell.machine.gpus.product, cell.engine.name): cell
    for cell in support_matrix.cells()
    if cell.layout == "multi-node"
}


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=["-".join(each) for each in SAMPLES])
def test_the_whole_program_of_each_engine_on_each_gpu(sample: Cell) -> None:
    assert strict.errors(objects(record(ROOT, config(sample.stack)))) == []


def test_the_page_is_generated() -> None:
    assert support_matrix.PAGE.read_text(encoding="utf-8") == support_matrix.page(), "run `make goldens` if meant"
