"""What `diff` forecasts for changes of the prod stack is what Pulumi's own engine would do, resource by resource, and
what `preview --json` prints after them is what the engine registers.

The engine runs with the real Kubernetes provider against a real API server. Google's replacement rules are not judged:
its stand-in reads them from the table that the forecasts use (docs/diff.md).
"""

import pytest

from tests.rehearsal.judge import judging
from tests.rehearsal.judge.cases import Case
from tests.rehearsal.judge.process import Deployed

BASE = "prod"


@pytest.mark.parametrize("case", judging.of_base(BASE), ids=lambda case: case.id)
def test_the_engine_does_what_is_forecast(case: Case, deployed: Deployed) -> None:
    assert judging.disagreements(case, deployed) == []
