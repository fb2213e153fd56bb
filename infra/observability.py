"""Dashboard, alert policies and notification channels of a stack, all outside the cluster."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import monitoring

from infra.email_channels import email_channels
from manifests.alerts import Alert, LogCondition, MetricCondition
from planning.observing import Alerting


@dataclass(frozen=True, kw_only=True)
class ObservabilityArgs:
    project: str
    title: str
    """Part of each policy's name, because a project may have several stacks."""
    dashboard: str
    """JSON, as `manifests.dashboard` builds it."""
    alerts: Sequence[Alert]
    alerting: Alerting
    emails: Sequence[str]
    labels: dict[str, str]


class Observability(pulumi.ComponentResource):
    """Dashboard and alerts, independent of the cluster: queries work before their first sample, so bring-up is covered.

    Without email addresses the policies still open incidents, in the console.
    """

    def __init__(self, name: str, args: ObservabilityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:Observability", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        monitoring.Dashboard(f"{name}-dashboard", project=args.project, dashboard_json=args.dashboard, opts=child)
        channels = email_channels(name, args.project, args.emails, args.labels, child)
        for alert in args.alerts:
            monitoring.AlertPolicy(
                f"{name}-{alert.name}",
                project=args.project,
                display_name=f"{args.title}: {alert.title}",
                combiner="OR",
                conditions=[_condition(alert, args.alerting)],
                alert_strategy=_strategy(alert, args.alerting),
                severity=alert.severity.value,
                documentation=monitoring.AlertPolicyDocumentationArgs(
                    content=alert.documentation, mime_type="text/markdown"
                ),
                notification_channels=[channel.name for channel in channels] or None,
                user_labels=args.labels,
                opts=child,
            )
        self.register_outputs({})


def _condition(alert: Alert, alerting: Alerting) -> monitoring.AlertPolicyConditionArgs:
    match alert.condition:
        case MetricCondition(query=query, minutes=minutes):
            return monitoring.AlertPolicyConditionArgs(
                display_name=alert.title,
                condition_prometheus_query_language=monitoring.AlertPolicyConditionConditionPrometheusQueryLanguageArgs(
                    query=query,
                    duration=f"{minutes * 60}s",
                    evaluation_interval=alerting.evaluation_interval,
                    # Before the first sample, Cloud Monitoring knows no metric and would reject the policy.
                    disable_metric_validation=True,
                ),
            )
        case LogCondition(filter=log_filter, node=node):
            return monitoring.AlertPolicyConditionArgs(
                display_name=alert.title,
                condition_matched_log=monitoring.AlertPolicyConditionConditionMatchedLogArgs(
                    filter=log_filter, label_extractors={"node": f"EXTRACT({node})"}
                ),
            )


def _strategy(alert: Alert, alerting: Alerting) -> monitoring.AlertPolicyAlertStrategyArgs:
    limit = monitoring.AlertPolicyAlertStrategyNotificationRateLimitArgs(period=alerting.log_rate_limit)
    return monitoring.AlertPolicyAlertStrategyArgs(
        auto_close=alerting.auto_close,
        notification_rate_limit=limit if isinstance(alert.condition, LogCondition) else None,
    )
