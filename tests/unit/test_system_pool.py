"""The CPU pool's size in the plan, and the frontend's share of a CPU node."""

import pytest

from tests.stacks import planned


@pytest.mark.parametrize(("minimum", "counted", "largest"), [(2, 3, 4), (3, 3, 6), (4, 4, 8)])
def test_the_plan_counts_the_nodes_that_are_created_one_in_each_zone(minimum: int, counted: int, largest: int) -> None:
    plan = planned({"cluster.systemPool": {"nodes": minimum}})
    pool = plan.system_pool
    assert pool
    assert (pool.min_nodes, pool.nodes, pool.max_nodes) == (minimum, counted, largest)
    (item,) = (item for item in plan.costs if item.name.startswith("system"))
    assert item.name == f"system: {counted} to {largest} × n2-standard-16"
    assert item.usd_per_hour == round(counted * 0.776944, 4)


@pytest.mark.parametrize(
    ("machine", "size"),
    [("n2-standard-16", ("4", "16Gi")), ("n2-standard-8", ("4", "16Gi")), ("e2-standard-8", ("4", "16Gi")),
     ("e2-standard-4", ("2", "8Gi"))],
)  # fmt: skip
def test_a_frontend_takes_at_most_half_of_a_cpu_node(machine: str, size: tuple[str, str]) -> None:
    (graph,) = planned({"cluster.systemPool": {"machine": machine}}).graphs
    assert (graph.frontend.size.cpu, graph.frontend.size.memory) == size


def test_in_an_existing_cluster_a_frontend_keeps_its_size() -> None:
    (graph,) = planned({"cluster": {"existing": {"name": "c", "location": "europe-west1", "addGpuPools": True}}}).graphs
    assert (graph.frontend.size.cpu, graph.frontend.size.memory) == ("4", "16Gi")
