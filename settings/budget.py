"""`budget`: max cost per month, and who is notified."""

from typing import Annotated

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from reading.frozen import Frozen
from reading.schema_rules import OLD_NAME, exactly_one
from settings.forms import EmailAddresses

# Currency of `monthlyUsd`, from before budgets had a currency.
USD = "USD"


MonthlyAmount = Annotated[int, Field(ge=1, le=1_000_000_000_000, examples=[140000])]


class BudgetSettings(Frozen):
    model_config = ConfigDict(json_schema_extra=exactly_one({"monthly": "integer", "monthlyUsd": "integer"}))

    currency: Annotated[
        str, Field(pattern=r"^[A-Z]{3}$", description="a currency's ISO 4217 code: three capitals", examples=["EUR"])
    ] = USD
    """ISO 4217 code of the billing account's currency. Google Cloud accepts budgets in no other."""
    monthly_usd: Annotated[MonthlyAmount | None, Field(json_schema_extra=OLD_NAME)] = None
    """Old name of `monthly`, in US dollars, which still works."""
    monthly: Annotated[MonthlyAmount | None, Field(validate_default=True)] = None
    """Max cost of a month, in `currency`, of all resources with the stack's label."""
    emails: Annotated[EmailAddresses, Field(min_length=1)]
    """Addresses notified when 50, 90 and 100 percent are spent, and when the forecast for the month exceeds 100."""

    @field_validator("monthly")
    @classmethod
    def _given_once(cls, monthly: int | None, info: ValidationInfo) -> int | None:
        older: int | None = info.data.get("monthly_usd", 1)  # absent if invalid itself
        if monthly is None and older is None:
            raise ValueError("is required, such as 140000")
        if monthly is not None and info.data.get("monthly_usd"):
            raise ValueError("is also given as monthlyUsd; remove monthlyUsd")
        return monthly

    @property
    def amount(self) -> int:
        """Max cost of a month, in `currency`."""
        amount = self.monthly or self.monthly_usd
        assert amount is not None  # one of the two is required
        return amount
