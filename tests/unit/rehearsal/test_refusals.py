"""Which settings the program refused, by its error."""

import pytest
from pulumi.runtime.mocks import MockCallArgs

from ops.offline.canned_answers import Canned
from ops.rehearsal.engine import refusals
from ops.rehearsal.engine.report import Report, StepReport
from planning.preflight.billing import BillingInCurrency
from planning.preflight.check import Verdict
from reading.errors import Error
from tests.stacks import config

PREFLIGHT = """Google Cloud cannot provide what is planned (skip this with `preflight: false`)
location.zone: europe-west1-b does not offer a3-ultragpu-8g
bucket chat-weights exists and the cluster does not"""
CASES = {
    "the preflight": ([PREFLIGHT], [Error("location.zone", "europe-west1-b does not offer a3-ultragpu-8g")]),
    "twice, by preview and up": (
        [PREFLIGHT] * 2,
        [Error("location.zone", "europe-west1-b does not offer a3-ultragpu-8g")],
    ),
    "the configuration": (
        ['the configuration is invalid\nmodels["a.b"].layout: is unknown\ngcp:project: is missing'],
        [Error('models["a.b"].layout', "is unknown"), Error("gcp:project", "is missing")],
    ),
    "the program itself": (["DynamoGraphDeployment chat does not match its CRD.\n  spec.x: is unknown"], []),
    "nothing": ([], []),
}


@pytest.mark.parametrize("name", CASES)
def test_errors(name: str) -> None:
    messages, wanted = CASES[name]
    assert list(refusals.errors(messages)) == wanted


def test_a_refused_setting_is_invalid_configuration_and_all_else_a_failure() -> None:
    report = Report(stack="dev")
    assert (report.exit_code, "faults" in report.to_wire()) == (None, False)
    report.steps.append(StepReport(name="preview", ok=False, seconds=1, said="0 to create"))
    assert report.exit_code == 1
    report.refusals = refusals.errors([PREFLIGHT])
    assert report.exit_code == 2
    assert [fault["path"] for fault in report.to_wire()["faults"]] == ["location.zone"]


@pytest.mark.parametrize("currency", ["USD", "EUR"])
def test_the_simulated_billing_account_has_the_currency_of_the_budget(currency: str) -> None:
    answers = Canned(config({"budget": {"currency": currency, "monthly": 5000, "emails": ["a@example.com"]}}))
    call = MockCallArgs(token="gcp:organizations/getBillingAccount:getBillingAccount", args={}, provider="")
    check = BillingInCurrency(project="my-project", currency=currency)
    assert check.judge("account", lambda _: answers(call)["currencyCode"]).verdict is Verdict.PASSED
