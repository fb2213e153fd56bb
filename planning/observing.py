"""What is collected from the pods, over which time charts show it, and when an alert fires."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Collection:
    """Collection of metrics from the pods of the graphs."""

    interval: str = "15s"
    transfer_interval: str = "30s"
    """For NIXL's own telemetry."""
    chart_window: str = "5m"
    """Twenty samples at the collection interval: smooth enough to read, short enough to show changes."""


@dataclass(frozen=True, kw_only=True)
class Alerting:
    """Thresholds of the alerts, and how long a condition must hold."""

    window: str = "10m"
    """Long enough for a meaningful rate from a few requests, short enough to notify within 15 minutes."""
    min_requests_per_second: float = 0.1
    """Min load: with less, the window has too few requests to conclude that a phase gets none."""
    prefilled_share: float = 0.5
    """Share of the answered requests that must go through prefill. Each does once; half leaves room for retries."""
    first_token_share: float = 0.95
    first_token_seconds: float = 4.7
    """Max time to first token of that share of requests. Over RDMA it is 0.2 to 0.5 s, and 98 s with KV cache over TCP
    (reported, not measured here). 4.7 is the upper bound of a bucket of the frontend's histogram, where the quantile is
    exact."""
    expired_share: float = 0.02
    """Max share of prefilled requests whose KV cache expires unfetched. Not zero, because requests that clients abandon
    before decode also count, and no counter distinguishes them."""
    not_listed_minutes: int = 10
    slow_minutes: int = 10
    idle_minutes: int = 5
    expired_minutes: int = 5
    failed_minutes: int = 0
    """One failed transfer is enough."""
    pending_minutes: int = 15
    evaluation_interval: str = "60s"
    auto_close: str = "1800s"
    """The minimum of Cloud Monitoring. An incident without data for that long closes itself."""
    log_rate_limit: str = "300s"
    """A failing GPU logs the same line many times a second; a log-based policy must limit its notifications."""
