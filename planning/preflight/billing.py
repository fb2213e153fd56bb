"""Checks that the budget can be created: the project has a billing account in the budget's currency."""

from collections.abc import Callable
from dataclasses import dataclass

from planning.preflight.check import PASSED, CheckResult, PreflightCheck, explained, failed
from planning.preflight.cluster import Unknown

ROLE = "billing.costsManager"
"""The role on the billing account that creating a budget needs; no role on the project includes it."""


@dataclass(frozen=True, kw_only=True)
class BillingInCurrency(PreflightCheck):
    """The billing account's currency is that of the budget."""

    api = "cloudresourcemanager"
    role = "browser"

    currency: str

    @property
    def condition(self) -> str:
        return f"project {self.project} has a billing account in {self.currency}, as the budget needs"

    def judge(self, account: str, currency_of: Callable[[str], str | Unknown]) -> CheckResult:
        """The result. `account` is empty if the caller sees none. `currency_of` reads it, which needs a role on it."""
        if not account:
            return self.unknown(
                "no billing account is visible: cloudbilling.googleapis.com is off before the first `pulumi up`, or "
                f"none is linked; `gcloud billing projects link {self.project} --billing-account=ACCOUNT`"
            )
        currency = currency_of(account)
        if isinstance(currency, Unknown):
            return self.unknown(currency.why)
        if currency != self.currency:
            return failed(
                f"budget.currency: {self.currency} is not the currency of billing account {account}, {currency}; "
                f"set budget.currency to {currency} and budget.monthly to an amount in {currency}"
            )
        return PASSED

    def unreadable(self, account: str, error: str) -> Unknown:
        """The result for an account that the caller cannot read, mostly for lack of the role to create budgets."""
        grant = f"gcloud billing accounts add-iam-policy-binding {account} --role=roles/{ROLE} --member=YOURS"
        return Unknown(why=explained(error, api="cloudbilling", role=ROLE, project=self.project, grant=grant))
