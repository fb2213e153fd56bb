"""A monthly budget for what carries the stack's label, and who is notified."""

from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp
from pulumi_gcp import billing, organizations

from infra.email_channels import email_channels
from infra.scope import Scope
from infra.services import ProjectServices
from planning.surroundings import Budget as MonthlyBudget


@dataclass(frozen=True, kw_only=True)
class BudgetArgs:
    project: str
    cluster: str
    """Part of the budget's name, because a billing account has many budgets."""
    stack: str
    budget: MonthlyBudget
    services: ProjectServices
    labels: dict[str, str]
    provider: gcp.Provider
    """From `billing_provider`."""


def billing_provider(project: str, labels: dict[str, str], scope: Scope) -> gcp.Provider:
    """A provider for the billing APIs, whose calls use the quota of the stack's project.

    Those APIs have no project in their paths, and refuse a person's credentials where a call names none. For them
    alone: on other calls, this would require serviceusage.services.use from every caller.
    """
    return gcp.Provider(
        scope.name("google-billing"),
        project=project,
        billing_project=project,
        user_project_override=True,
        default_labels=labels,
        opts=pulumi.ResourceOptions(parent=scope.parent),
    )


def billing_account(project: str, found: str | None) -> str:
    """The billing account of a project. Raises RunError if none is visible; Google Cloud would answer a bare 400."""
    if found:
        return found
    raise pulumi.RunError(
        f"budget: project {project} has no visible billing account. Link one: `gcloud billing projects link {project} "
        "--billing-account=ACCOUNT`; if one is linked, cloudbilling.googleapis.com may be off there, or your "
        "credentials lack resourcemanager.projects.get"
    )


class Budget(pulumi.ComponentResource):
    """Monthly budget of a stack. It warns and stops nothing: Google Cloud reports costs hours late, and two nodes of
    eight GPUs may cost $4,000 a day.

    Creating it needs roles/billing.costsManager on the billing account, which no role on the project includes.
    """

    def __init__(self, name: str, args: BudgetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:Budget", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        answers = [args.services.enabled[api] for api in ("cloudbilling", "cloudresourcemanager", "billingbudgets")]
        project = organizations.get_project_output(
            project_id=args.project,
            opts=pulumi.InvokeOutputOptions(parent=self, provider=args.provider, depends_on=answers),
        )
        channels = email_channels(
            name, args.project, args.budget.emails, args.labels, child, about=f"{args.cluster} budget: "
        )
        billing.Budget(
            f"{name}-budget",
            billing_account=project.billing_account.apply(lambda found: billing_account(args.project, found)),
            display_name=args.cluster,
            amount=billing.BudgetAmountArgs(
                specified_amount=billing.BudgetAmountSpecifiedAmountArgs(
                    currency_code=args.budget.currency, units=str(args.budget.amount)
                )
            ),
            budget_filter=billing.BudgetBudgetFilterArgs(
                projects=[project.number.apply(lambda number: f"projects/{number}")], labels={"stack": args.stack}
            ),
            threshold_rules=[
                billing.BudgetThresholdRuleArgs(threshold_percent=share, spend_basis=basis)
                for basis, shares in (
                    ("CURRENT_SPEND", args.budget.spent_shares),
                    ("FORECASTED_SPEND", args.budget.forecast_shares),
                )
                for share in shares
            ],
            all_updates_rule=billing.BudgetAllUpdatesRuleArgs(
                monitoring_notification_channels=[channel.name for channel in channels]
            ),
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider),
        )
        self.register_outputs({})
