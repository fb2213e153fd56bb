"""The same as test_forecasts_prod, for changes of what prod leaves out.

Of its own, because files of rehearsals run side by side and each deploys its base once.
"""

import pytest

from tests.rehearsal.judge import judging
from tests.rehearsal.judge.cases import Case
from tests.rehearsal.judge.choices import GRAPH
from tests.rehearsal.judge.process import Deployed

BASE = "full"


@pytest.mark.parametrize("case", judging.of_base(BASE), ids=lambda case: case.id)
def test_the_engine_does_what_is_forecast(case: Case, deployed: Deployed) -> None:
    assert judging.disagreements(case, deployed) == []


OTHERS = (
    "endpoint.domain=llm.example.org",
    "location.zone=europe-west1-c",
    "location.allowUnlisted=true",
    f"models.{GRAPH}.worker.drainSeconds=400",
)


@pytest.mark.parametrize("overrides", [(), OTHERS], ids=["alone", "with other changes"])
def test_a_release_that_renames_everything_keeps_it_by_aliases(overrides: tuple[str, ...], deployed: Deployed) -> None:
    case = Case(base=BASE, overrides=overrides, settings=frozenset(), renames=True)
    assert judging.disagreements(case, deployed) == []
