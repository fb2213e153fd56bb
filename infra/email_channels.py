"""Email notification channels, one per address."""

from collections.abc import Sequence

import pulumi
from pulumi_gcp import monitoring


def email_channels(
    name: str,
    project: str,
    emails: Sequence[str],
    labels: dict[str, str],
    opts: pulumi.ResourceOptions,
    *,
    about: str = "",
) -> list[monitoring.NotificationChannel]:
    """The channels, in the order of the addresses. `about` comes before the address in the console."""
    return [
        monitoring.NotificationChannel(
            f"{name}-{email}",
            project=project,
            type="email",
            display_name=f"{about}{email}",
            labels={"email_address": email},
            user_labels=labels,
            opts=opts,
        )
        for email in emails
    ]
