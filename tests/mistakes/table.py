"""The table of mistakes, in the order of the guide."""

from tests.mistakes import before_a_cloud, in_a_project, with_a_graph

STEPS = (
    before_a_cloud.FIRST_ANSWER,
    before_a_cloud.LOOK,
    in_a_project.TRY,
    before_a_cloud.OWN_MODEL,
    in_a_project.PRODUCTION,
    with_a_graph.CALL,
    with_a_graph.SCALE,
    with_a_graph.DAY_2,
    with_a_graph.PULL_REQUESTS,
)
