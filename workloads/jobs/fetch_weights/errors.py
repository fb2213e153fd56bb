"""The two kinds of failure: permanent, or until the next attempt. Messages are one line of printable characters."""

from __future__ import annotations

from ..verify.untrusted import plain  # noqa: TID252 - the Job has no absolute name for it

LONGEST_MESSAGE = 600


class FetchFailed(Exception):
    """The download is impossible, or not possible in time. The message is a sentence for a person."""

    def __init__(self, message: object) -> None:
        super().__init__(plain(message, LONGEST_MESSAGE))


class Interrupted(Exception):
    """A temporary error: the next attempt may succeed. `retry_after` is the server's requested delay in seconds."""

    def __init__(self, reason: object, retry_after: float = 0.0) -> None:
        super().__init__(plain(reason, LONGEST_MESSAGE))
        self.retry_after = retry_after
