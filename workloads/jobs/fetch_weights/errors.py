"""How a download can fail: for good, or until the next attempt. Messages are one line of printable characters."""

from __future__ import annotations

from ..verify.untrusted import plain  # noqa: TID252 - in the Job there is no absolute name for it

LONGEST_MESSAGE = 600


class FetchFailed(Exception):
    """The download cannot be done, or not in time. The message is a sentence for a person."""

    def __init__(self, message: object) -> None:
        super().__init__(plain(message, LONGEST_MESSAGE))


class Interrupted(Exception):
    """An error that may be gone at the next attempt. `retry_after` is what the server asked for, in seconds."""

    def __init__(self, reason: object, retry_after: float = 0.0) -> None:
        super().__init__(plain(reason, LONGEST_MESSAGE))
        self.retry_after = retry_after
