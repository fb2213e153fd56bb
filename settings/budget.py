"""`budget`: what a month may cost, and who is notified."""

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from reading.frozen import Frozen
from settings.forms import EmailAddress, each_once

# What budgets took their amount in before they had a currency.
USD = "USD"


MonthlyAmount = Annotated[int, Field(ge=1, le=1_000_000_000_000, examples=[140000])]


class BudgetSettings(Frozen):
    currency: Annotated[
        str, Field(pattern=r"^[A-Z]{3}$", description="a currency's ISO 4217 code: three capitals", examples=["EUR"])
    ] = USD
    """The billing account's own, by its ISO 4217 code: Google Cloud takes no budget in another."""
    monthly_usd: MonthlyAmount | None = None
    """`monthly`, as older stack files have it."""
    monthly: Annotated[MonthlyAmount | None, Field(validate_default=True)] = None
    """What a month may cost, in `currency`; all that carries the stack's label counts."""
    emails: Annotated[tuple[EmailAddress, ...], AfterValidator(each_once), Field(min_length=1)]
    """Who is notified when half, nine tenths and all of it are spent, and when the month is heading over it."""

    @field_validator("monthly")
    @classmethod
    def _given_once(cls, monthly: int | None, info: ValidationInfo) -> int | None:
        older: int | None = info.data.get("monthly_usd", 1)  # absent when it is an error of its own
        if monthly is None and older is None:
            raise ValueError("is required, such as 140000")
        if monthly is not None and info.data.get("monthly_usd"):
            raise ValueError("is also given as monthlyUsd; remove monthlyUsd")
        return monthly

    @property
    def amount(self) -> int:
        """What a month may cost, in `currency`."""
        amount = self.monthly or self.monthly_usd
        assert amount is not None  # one of the two is required
        return amount
