"""The questions about a new stack, in their order. Each answer is checked by the loader before the next is asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from catalog.defaults import default_machine
from catalog.models import card_names
from ops.new_stack.answers import (
    DEPLOYMENT,
    Answers,
    errors,
    machines_in,
    modes_of,
    needs_reservation,
)
from reading.errors import ConfigInvalid, Error
from settings.endpoint import Endpoint, Exposure
from settings.forms import EXAMPLE_PROJECT

# Whoever gave as many wrong answers to one question needs the docs.
MAX_ATTEMPTS = 10


def _nothing(_: Answers) -> tuple[str, ...]:
    return ()


def _always(_: Answers) -> bool:
    return True


def _is_gateway(answers: Answers) -> bool:
    return answers.get("exposure") == Exposure.GATEWAY.value


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question, and where its answer is in the stack file."""

    name: str
    """Name of the answer, and of the option that gives it."""
    path: str
    """Key path of the answer, as errors name it."""
    text: str
    example: str = ""
    choices: Callable[[Answers], Sequence[str]] = _nothing
    """Answers to choose from; the loader may accept others, such as the path of a file."""
    default: str = ""
    applies: Callable[[Answers], bool] = _always

    def proposal(self, answers: Answers) -> str:
        """The default, where it is among the choices; empty without one."""
        choices = self.choices(answers)
        return self.default if self.default in choices or not choices else ""


QUESTIONS = (
    Question(name="project", path="gcp:project", text="Google Cloud project", example=EXAMPLE_PROJECT),
    Question(name="zone", path="location.zone", text="Zone of the GPU nodes", example="europe-west1-b"),
    Question(
        name="machine",
        path="capacity.machine",
        text="GPU machine",
        choices=lambda answers: machines_in(answers.get("zone", "")),
        default=default_machine(),
    ),
    Question(name="capacity", path="capacity.mode", text="How GPU nodes are bought", choices=modes_of),
    Question(
        name="reservation",
        path="capacity.reservation",
        text="Name of the reservation",
        example="my-reservation",
        applies=needs_reservation,
    ),
    Question(
        name="model",
        path=f"models.{DEPLOYMENT}.model",
        text="Model, or the file of your own card",
        choices=lambda _: card_names(),
    ),
    Question(
        name="exposure",
        path="endpoint.exposure",
        text="From where clients reach it",
        choices=lambda _: tuple(each.value for each in Exposure),
        default=Endpoint().exposure.value,
    ),
    Question(
        name="domain", path="endpoint.domain", text="Domain", example="llm.example.com", applies=_is_gateway
    ),
    Question(
        name="allow",
        path="endpoint.allowedCidrs",
        text="Address ranges of the clients, separated by commas",
        example="203.0.113.0/24",
        applies=_is_gateway,
    ),
)  # fmt: skip

Prompt = Callable[[Question, Answers], str]
Complain = Callable[[Error], None]


def ask(stack: str, given: Answers, prompt: Prompt, complain: Complain) -> Answers:
    """All answers: those given as options, and those to the prompts. A wrong answer is asked for again.

    Raises ConfigInvalid for a wrong option, and after too many wrong answers.
    """
    if found := _so_far(stack, given):
        raise ConfigInvalid(found)
    answers = dict(given)
    for question in QUESTIONS:
        if question.name in given or not question.applies(answers):
            continue
        for _ in range(MAX_ATTEMPTS):
            answer = {question.name: prompt(question, answers)}
            found = _about(question, stack, answers | answer)
            if not found:
                answers |= answer
                break
            for error in found:
                complain(error)
        else:
            raise ConfigInvalid(found)
    return answers


def filled(stack: str, given: Answers) -> Answers:
    """The given answers, with defaults for the others. Raises ConfigInvalid with every error of the given answers, and
    every missing answer that has no default."""
    answers = dict(given)
    missing: list[Error] = []
    for question in QUESTIONS:
        if question.name in given or not question.applies(answers):
            continue
        if default := question.proposal(answers):
            answers[question.name] = default
        else:
            choices = question.choices(answers)
            which = f"one of {', '.join(choices)}" if choices else f"such as {question.example}"
            missing.append(Error(f"--{question.name}", f"is required with --yes: {question.text}, {which}"))
    if missing:
        raise ConfigInvalid([*missing, *_so_far(stack, given)])
    return answers


def _about(question: Question, stack: str, answers: Answers) -> list[Error]:
    """The errors that an answer causes: those at its own key, else all."""
    found = _so_far(stack, answers)
    return [error for error in found if _within(error.path, question.path)] or found


def _so_far(stack: str, answers: Answers) -> list[Error]:
    """The errors of the answers so far, without those at keys that are asked for later."""
    later = [question.path for question in QUESTIONS if question.name not in answers]
    return [error for error in errors(stack, answers) if not any(_within(error.path, path) for path in later)]


def _within(path: str, parent: str) -> bool:
    return path == parent or path.startswith((f"{parent}.", f"{parent}["))
