"""Compares the max cost of the stack with its budget."""

from collections.abc import Iterator

from planning.resolve import ResolvedStack
from settings.budget import USD

# Google Cloud's month: a twelfth of 365 days.
HOURS_PER_MONTH = 730


def warnings(stack: ResolvedStack, max_usd_per_hour: float | None) -> Iterator[str]:
    budget = stack.settings.budget
    if not budget:
        if stack.own_gpu_pools:
            yield "budget: unset, so nobody is notified of the monthly cost; set {monthly, currency, emails}"
        return
    if budget.monthly_usd and budget.currency != USD:
        yield f"budget.monthlyUsd: {budget.monthly_usd:,} is read as {budget.currency}; use budget.monthly instead"
    if budget.currency != USD:
        yield f"budget: not compared with the plan, because its prices are in USD, not {budget.currency}"
    elif max_usd_per_hour is None:
        yield "budget: not compared with the plan, because part of its cost is not known"
    elif budget.amount < max_usd_per_hour * HOURS_PER_MONTH:
        month = f"{max_usd_per_hour * HOURS_PER_MONTH:,.0f}"
        yield f"budget: {budget.amount:,} USD is less than the {month} that the plan may cost in a month"
