"""Whether the budget can be created: the project has a billing account, in the budget's currency."""

from collections.abc import Callable
from dataclasses import dataclass

from planning.preflight.cluster import Unknown
from planning.preflight.question import WELL, Finding, Question, explained, refused

ROLE = "billing.costsManager"
"""What creating a budget needs on the billing account; no role on the project includes it."""


@dataclass(frozen=True, kw_only=True)
class BudgetPossible(Question):
    api = "cloudresourcemanager"
    role = "browser"

    currency: str

    @property
    def what(self) -> str:
        return f"project {self.project} has a billing account in {self.currency}, as the budget needs"

    def judge(self, account: str, currency_of: Callable[[str], str | Unknown]) -> Finding:
        """`account` is empty where none is seen. `currency_of` asks the account itself, which needs a right on it."""
        if not account:
            return self.not_answered(
                "no billing account is seen. cloudbilling.googleapis.com is off before the first `pulumi up`; if none "
                f"is linked: `gcloud billing projects link {self.project} --billing-account=ACCOUNT`"
            )
        currency = currency_of(account)
        if isinstance(currency, Unknown):
            return self.not_answered(currency.why)
        if currency != self.currency:
            return refused(
                f"budget.currency: {self.currency}, and billing account {account} is in {currency}; "
                f"set budget.currency to {currency} and budget.monthly to an amount in it"
            )
        return WELL

    def unreadable(self, account: str, error: str) -> Unknown:
        """For an account that did not answer, above all for want of the right to create the budget."""
        grant = f"gcloud billing accounts add-iam-policy-binding {account} --role=roles/{ROLE} --member=YOURS"
        return Unknown(why=explained(error, api="cloudbilling", role=ROLE, project=self.project, grant=grant))
