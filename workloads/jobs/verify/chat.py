"""Client of the endpoint: model list, chat completions, and the check that an answer is sane."""

from __future__ import annotations

import random
import secrets
import time
import unicodedata
from collections.abc import Callable
from typing import Any

from .clock import Deadline
from .metrics import ATTEMPTS, GLANCE_SECONDS, POLL_SECONDS
from .untrusted import InvalidJson, plain, read_json
from .web import UnreachableError, fetch

# A word is one to three tokens, so a prompt fills three KV blocks or more at the largest usual block size, 128.
PROMPT_WORDS = 400
ANSWER_TOKENS = 32
# Enough characters to detect repetition.
SANE_CHARACTERS = 1000
# The first request of a pair of workers sets up their connection and is sometimes lost, so it is sent again.
FIRST_ANSWER_SECONDS = 60.0

WORDS = [
    *("river", "stone", "cloud", "paper", "window", "garden", "market", "silver", "winter", "engine", "letter"),
    *("bridge", "copper", "forest", "island", "mirror", "number", "orange", "pocket", "rocket", "school", "tunnel"),
]

# Hangul fillers and the blank Braille pattern: by category letters and a symbol, but invisible.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")


class Reasoning(str):
    """Reasoning text of an answer that the token limit ended before any content."""


class NotServableError(Exception):
    """The endpoint did not serve within the time limit; the message names the last obstacle."""


def complete(
    endpoint: str, model: str, prompt: str, max_tokens: int, deadline: Deadline, temperature: float | None = None
) -> str:
    """The text of the endpoint's answer to one chat message; may be empty. The temperature is the model's default
    unless given.

    A reasoning model may spend the whole token limit before its answer begins. Therefore reasoning counts as text if
    the endpoint says that the limit ended the answer. Raises UnreachableError unless the status is 200.
    """
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": max_tokens,
    }
    if temperature is not None:
        body["temperature"] = temperature
    status, text = fetch(f"{endpoint}/v1/chat/completions", deadline, body)
    if status != 200:
        raise UnreachableError(f"HTTP {status}: {plain(text)}")
    try:
        choice = read_json(text)["choices"][0]
        message = choice["message"]
        if content := _text(message.get("content")):
            return content
        reasoning = _text(message.get("reasoning_content")) or _text(message.get("reasoning"))
        return Reasoning(reasoning) if choice.get("finish_reason") == "length" else ""
    except (InvalidJson, LookupError, TypeError, AttributeError):
        raise UnreachableError("HTTP 200 without a chat completion in it") from None


def _text(part: Any) -> str:
    """The text of a message's part; empty for null. Raises TypeError for anything else."""
    if part is not None and not isinstance(part, str):
        raise TypeError
    return part or ""


def listed_models(endpoint: str, deadline: Deadline) -> list[str]:
    """The ids that /v1/models lists. Raises UnreachableError if there is no list."""
    status, text = fetch(f"{endpoint}/v1/models", deadline)
    if status != 200:
        raise UnreachableError(f"/v1/models answered HTTP {status}")
    try:
        ids = [str(entry["id"]) for entry in read_json(text)["data"]]
    except (InvalidJson, LookupError, TypeError):
        raise UnreachableError("/v1/models did not answer with a model list") from None
    return ids


def wait_until_servable(
    endpoint: str, model: str | None, deadline: Deadline, obstacle_changed: Callable[[str], None] = lambda _: None
) -> str:
    """Waits until the model is listed and answers one completion, and returns its name.

    Calls `obstacle_changed` with each new obstacle. Raises NotServableError at the deadline.
    """
    obstacle = ""
    while True:
        try:
            return _served_model(endpoint, model, deadline)
        except UnreachableError as error:
            # The error of an attempt that the deadline interrupts must not hide the earlier reason.
            if str(error) != obstacle and (deadline.left() > 0 or not obstacle):
                obstacle = str(error)
                obstacle_changed(obstacle)
        if deadline.left() <= POLL_SECONDS:
            raise NotServableError(obstacle)
        time.sleep(POLL_SECONDS)


def _served_model(endpoint: str, model: str | None, deadline: Deadline) -> str:
    listed = listed_models(endpoint, deadline.within(GLANCE_SECONDS))
    if not listed:
        raise UnreachableError("/v1/models is empty until a prefill and a decode worker have registered")
    if model is not None and model not in listed:
        raise UnreachableError(f"/v1/models lists {', '.join(listed)}, not {model}")
    chosen = model or listed[0]
    try:
        complete(endpoint, chosen, "ready?", 1, deadline.within(FIRST_ANSWER_SECONDS))
    except UnreachableError as error:
        raise UnreachableError(f"{chosen} is listed but does not answer: {error}") from None
    return chosen


def fresh_prompt() -> str:
    """A prompt that is in no cache and fills several KV blocks; its first word is already unique."""
    rng = random.Random(secrets.randbits(64))
    return " ".join([secrets.token_hex(8), *rng.choices(WORDS, k=PROMPT_WORDS)])


def ask(
    endpoint: str, model: str, deadline: Deadline, prompt: str | None = None, temperature: float | None = None
) -> str:
    """The answer to a prompt, by default a fresh one per attempt. Raises UnreachableError if no attempt succeeds."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return complete(endpoint, model, prompt or fresh_prompt(), ANSWER_TOKENS, deadline, temperature)
        except UnreachableError:
            if attempt == ATTEMPTS or deadline.left() == 0:
                raise
            time.sleep(min(POLL_SECONDS, deadline.left()))
    raise AssertionError("the last attempt returns or raises")


def is_sane(answer: str) -> bool:
    """Whether an answer has visible text and is not one repeated token, which is a sign of a corrupt KV cache."""
    text = plain(answer[:SANE_CHARACTERS], SANE_CHARACTERS)
    # A word's token includes a space, which the ends of the text have lost.
    return is_visible(text) and not (_is_periodic(text) or _is_periodic(text + " "))


def is_visible(text: str) -> bool:
    """Whether the text has a visible character: a letter, digit, punctuation mark or symbol."""
    return any(unicodedata.category(character)[0] in "LNPS" and character not in _BLANK for character in text)


def _is_periodic(text: str) -> bool:
    """Whether the text is one piece repeated three times or more."""
    return any(text[length:] == text[:-length] for length in range(1, len(text) // 3 + 1))
