"""Wraps calls to Google Cloud, through the provider and over HTTP, with one exception for every failure."""

import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar

from planning.preflight.check import is_missing

T = TypeVar("T")


class Failed(Exception):
    """A call failed; the message is Google Cloud's."""


def result_of(invoke: Callable[[], T]) -> T:
    """The result of a call. Raises Failed for an error of Google Cloud, for which the SDK has no narrower exception."""
    try:
        return invoke()
    except Exception as error:
        if not str(error).startswith("invoke of "):
            raise
        raise Failed(str(error)) from None


def if_found(invoke: Callable[[], T]) -> T | None:
    """The result of a call, or None if the requested object does not exist."""
    try:
        return result_of(invoke)
    except Failed as failed:
        if is_missing(str(failed)):
            return None
        raise


class UnchangedResponses(urllib.request.HTTPErrorProcessor):
    """HTTP processor that returns every response unchanged. Follows no redirect, so the token goes to the API only."""

    def http_response(self, request: urllib.request.Request, response: Any) -> Any:
        return response

    https_response = http_response


def reason(body: bytes) -> str:
    """The word in an error that distinguishes a disabled API from a missing role; empty without it."""
    return "SERVICE_DISABLED" if b"SERVICE_DISABLED" in body or b"accessNotConfigured" in body else ""
