"""The endpoint as a client sees it: the model list, chat completions, and whether an answer is sane."""

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

# Words are one to three tokens each, so this fills three KV blocks or more at the largest usual block size, 128.
PROMPT_WORDS = 400
ANSWER_TOKENS = 32
# Enough of an answer to see that it repeats itself.
SANE_CHARACTERS = 1000
# The first request of a pair of workers sets up their connection, and is lost now and then; it is then sent again.
FIRST_ANSWER_SECONDS = 60.0

WORDS = [
    *("river", "stone", "cloud", "paper", "window", "garden", "market", "silver", "winter", "engine", "letter"),
    *("bridge", "copper", "forest", "island", "mirror", "number", "orange", "pocket", "rocket", "school", "tunnel"),
]

# Fillers of Hangul and the empty pattern of Braille: letters and a symbol by category, and nothing to see.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")


class Reasoning(str):
    """What a model answered whose reasoning the token limit ended, before any content."""


class NotServableError(Exception):
    """The endpoint did not serve within the bound; the message names the last obstacle."""


def complete(
    endpoint: str, model: str, prompt: str, max_tokens: int, deadline: Deadline, temperature: float | None = None
) -> str:
    """The text that the endpoint answers to one chat message, empty for none. The model chooses the temperature itself
    unless one is given.

    A model that reasons may spend the whole token limit before its answer begins, so reasoning counts as text when,
    and only when, the endpoint says that the limit ended the answer. Raises UnreachableError unless it answers 200.
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
    """The text of a message's part, empty for null. Raises TypeError for anything else."""
    if part is not None and not isinstance(part, str):
        raise TypeError
    return part or ""


def listed_models(endpoint: str, deadline: Deadline) -> list[str]:
    """The ids under /v1/models. Raises UnreachableError if there is no such list."""
    status, text = fetch(f"{endpoint}/v1/models", deadline)
    if status != 200:
        raise UnreachableError(f"/v1/models answered HTTP {status}")
    try:
        ids = [str(entry["id"]) for entry in read_json(text)["data"]]
    except (InvalidJson, LookupError, TypeError):
        raise UnreachableError("/v1/models answered something that is no model list") from None
    return ids


def wait_until_servable(
    endpoint: str, model: str | None, deadline: Deadline, obstacle_changed: Callable[[str], None] = lambda _: None
) -> str:
    """The model's name, once it is listed and has answered one completion.

    Calls `obstacle_changed` with each new obstacle. Raises NotServableError at the deadline.
    """
    obstacle = ""
    while True:
        try:
            return _served_model(endpoint, model, deadline)
        except UnreachableError as error:
            # An attempt that the deadline cut short would hide the reason found before.
            if str(error) != obstacle and (deadline.left() > 0 or not obstacle):
                obstacle = str(error)
                obstacle_changed(obstacle)
        if deadline.left() <= POLL_SECONDS:
            raise NotServableError(obstacle)
        time.sleep(POLL_SECONDS)


def _served_model(endpoint: str, model: str | None, deadline: Deadline) -> str:
    listed = listed_models(endpoint, deadline.within(GLANCE_SECONDS))
    if not listed:
        raise UnreachableError("/v1/models is empty, as it is until a prefill and a decode worker are registered")
    if model is not None and model not in listed:
        raise UnreachableError(f"/v1/models lists {', '.join(listed)}, not {model}")
    chosen = model or listed[0]
    try:
        complete(endpoint, chosen, "ready?", 1, deadline.within(FIRST_ANSWER_SECONDS))
    except UnreachableError as error:
        raise UnreachableError(f"{chosen} is listed but does not answer: {error}") from None
    return chosen


def fresh_prompt() -> str:
    """A prompt that no cache has seen, long enough to fill several KV blocks; its first word is already unique."""
    rng = random.Random(secrets.randbits(64))
    return " ".join([secrets.token_hex(8), *rng.choices(WORDS, k=PROMPT_WORDS)])


def ask(
    endpoint: str, model: str, deadline: Deadline, prompt: str | None = None, temperature: float | None = None
) -> str:
    """The answer to a prompt, by default a fresh one for each attempt. Raises UnreachableError when none succeeds."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return complete(endpoint, model, prompt or fresh_prompt(), ANSWER_TOKENS, deadline, temperature)
        except UnreachableError:
            if attempt == ATTEMPTS or deadline.left() == 0:
                raise
            time.sleep(min(POLL_SECONDS, deadline.left()))
    raise AssertionError("the last attempt returns or raises")


def is_sane(answer: str) -> bool:
    """Whether an answer has text that is more than one token over and over, the sign of a corrupt KV cache."""
    text = plain(answer[:SANE_CHARACTERS], SANE_CHARACTERS)
    # A word's token carries a space, which the ends of the text have lost.
    return is_visible(text) and not (_is_periodic(text) or _is_periodic(text + " "))


def is_visible(text: str) -> bool:
    """Whether a reader would see anything of it: a letter, digit, mark of punctuation or symbol."""
    return any(unicodedata.category(character)[0] in "LNPS" and character not in _BLANK for character in text)


def _is_periodic(text: str) -> bool:
    """Whether the text is one piece, three times or more."""
    return any(text[length:] == text[:-length] for length in range(1, len(text) // 3 + 1))
