"""A monthly budget for what carries the stack's label, and who hears of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import billing

from infra.email_channels import email_channels
from infra.services import ProjectServices, project_of

# Shares of the budget at which mail goes out: of what was spent, and of what the month is heading for.
SPENT = (0.5, 0.9, 1.0)
FORECAST = (1.0,)


@dataclass(frozen=True, kw_only=True)
class BudgetArgs:
    project: str
    cluster: str
    """In the budget's name, since a billing account has many."""
    stack: str
    monthly_usd: int
    emails: Sequence[str]
    services: ProjectServices
    labels: dict[str, str]


class Budget(pulumi.ComponentResource):
    """It warns and stops nothing. Google Cloud reports costs hours late, and two A3 Ultra nodes cost $4,000 a day.

    Whoever runs `pulumi up` needs `billing.costsManager` on the billing account, which the project is not enough for.
    """

    def __init__(self, name: str, args: BudgetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:Budget", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        project = project_of(args.project, self, args.services)
        channels = email_channels(name, args.emails, args.labels, child, about=f"{args.cluster} budget: ")
        billing.Budget(
            f"{name}-budget",
            billing_account=project.billing_account,
            display_name=args.cluster,
            amount=billing.BudgetAmountArgs(
                specified_amount=billing.BudgetAmountSpecifiedAmountArgs(
                    currency_code="USD", units=str(args.monthly_usd)
                )
            ),
            budget_filter=billing.BudgetBudgetFilterArgs(
                projects=[project.number.apply(lambda number: f"projects/{number}")], labels={"stack": args.stack}
            ),
            threshold_rules=[
                billing.BudgetThresholdRuleArgs(threshold_percent=share, spend_basis=basis)
                for basis, shares in (("CURRENT_SPEND", SPENT), ("FORECASTED_SPEND", FORECAST))
                for share in shares
            ],
            all_updates_rule=billing.BudgetAllUpdatesRuleArgs(
                monitoring_notification_channels=[channel.name for channel in channels]
            ),
            opts=child,
        )
        self.register_outputs({})
