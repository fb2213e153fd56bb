"""Answers of Google Cloud, of the provider and over HTTP, with one exception for all that is no answer."""

import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar

from planning.preflight.question import is_missing

T = TypeVar("T")


class Failed(Exception):
    """A question ended in an error; the message is Google Cloud's."""


def asked(invoke: Callable[[], T]) -> T:
    """The answer. Raises Failed where Google Cloud gave an error; the SDK has no narrower kind for it."""
    try:
        return invoke()
    except Exception as error:
        if not str(error).startswith("invoke of "):
            raise
        raise Failed(str(error)) from None


def if_there(invoke: Callable[[], T]) -> T | None:
    """The answer, or None where what was asked for is not there."""
    try:
        return asked(invoke)
    except Failed as failed:
        if is_missing(str(failed)):
            return None
        raise


class AsAnswered(urllib.request.HTTPErrorProcessor):
    """Gives every answer back as it is. Above all no redirect is followed: the token goes to the API, nowhere else."""

    def http_response(self, request: urllib.request.Request, response: Any) -> Any:
        return response

    https_response = http_response


def reason(body: bytes) -> str:
    """Of an error's text only the word that tells a switched-off API from a missing role."""
    return "SERVICE_DISABLED" if b"SERVICE_DISABLED" in body or b"accessNotConfigured" in body else ""
