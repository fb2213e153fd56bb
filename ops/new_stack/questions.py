"""The questions about a new stack, in their order. Each answer is checked by the loader before the next is asked."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from catalog.defaults import default_machine
from catalog.models import card_names
from ops.new_stack.answers import (
    DEPLOYMENT,
    ZONE,
    Answers,
    errors,
    layouts_of,
    machines_in,
    modes_of,
    needs_reservation,
    on_gpus,
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
    proposes_first: bool = False
    """Whether the first choice is the default."""
    applies: Callable[[Answers], bool] = _always
    only_with: tuple[str, str] = ("", "")
    """The question that decides whether this one applies, and an answer with which it does."""
    explained: Callable[[Answers], Sequence[str]] = _nothing
    """What the choices mean, a line each."""

    def proposal(self, answers: Answers) -> str:
        """The default, where it is among the choices; empty without one."""
        choices = self.choices(answers)
        default = choices[0] if self.proposes_first and choices else self.default
        return default if default in choices or not choices else ""


QUESTIONS = (
    Question(name="project", path="gcp:project", text="Google Cloud project", example=EXAMPLE_PROJECT),
    Question(name="zone", path=ZONE, text="Zone of the GPU nodes", example="europe-west1-b"),
    Question(
        name="machine",
        path="capacity.machine",
        text="GPU machine",
        choices=lambda answers: machines_in(answers.get("zone", "")),
        default=default_machine(),
        applies=on_gpus,
    ),
    Question(
        name="capacity", path="capacity.mode", text="How GPU nodes are bought", choices=modes_of, applies=on_gpus
    ),
    Question(
        name="reservation",
        path="capacity.reservation",
        text="Name of the reservation",
        example="my-reservation",
        applies=lambda answers: on_gpus(answers) and needs_reservation(answers),
        only_with=("capacity", "reservation"),
    ),
    Question(
        name="model",
        path=f"models.{DEPLOYMENT}.model",
        text="Model, or the file of your own card",
        choices=lambda _: card_names(),
    ),
    Question(
        name="layout",
        path=f"models.{DEPLOYMENT}.layout",
        text="Layout",
        choices=lambda answers: tuple(layouts_of(answers)),
        proposes_first=True,
        applies=lambda answers: len(layouts_of(answers)) > 1,
        explained=lambda answers: [f"{name}: {layout.why}" for name, layout in layouts_of(answers).items()],
    ),
    Question(
        name="exposure",
        path="endpoint.exposure",
        text="From where clients reach it",
        choices=lambda _: tuple(each.value for each in Exposure),
        default=Endpoint().exposure.value,
    ),
    Question(
        name="domain", path="endpoint.domain", text="Domain", example="llm.example.com", applies=_is_gateway,
        only_with=("exposure", Exposure.GATEWAY.value),
    ),
    Question(
        name="allow",
        path="endpoint.allowedCidrs",
        text="Address ranges of the clients, separated by commas",
        example="203.0.113.0/24",
        applies=_is_gateway,
        only_with=("exposure", Exposure.GATEWAY.value),
    ),
)  # fmt: skip

_OPTIONS = {question.path: question.name for question in QUESTIONS} | {
    "labels.owner": "owner",
    "labels.costCenter": "cost-center",
}
"""Key path → the option whose value it has."""

Prompt = Callable[[Question, Answers], str]
Complain = Callable[[Error], None]


def ask(stack: str, given: Answers, prompt: Prompt, complain: Complain) -> Answers:
    """All answers: those given as options, and those to the prompts. A wrong answer is asked for again.

    Raises ConfigInvalid for a wrong option, and after too many wrong answers.
    """
    if found := _so_far(stack, given):
        raise ConfigInvalid(_by_option(found, given))
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
        raise ConfigInvalid([*missing, *_by_option(_so_far(stack, given), given)])
    if found := _so_far(stack, answers):
        raise ConfigInvalid(_by_option(found, answers))
    return answers


def unused(answers: Answers) -> list[str]:
    """Names of the answers that a layout without GPUs leaves without effect."""
    names = ("machine", "capacity", "reservation")
    return [] if on_gpus(answers) else [name for name in names if name in answers]


def _about(question: Question, stack: str, answers: Answers) -> list[Error]:
    """The errors that an answer causes: those at its own key, else all."""
    found = _so_far(stack, answers)
    return [error for error in found if _within(error.path, question.path)] or found


def _so_far(stack: str, answers: Answers) -> list[Error]:
    """The errors of the answers so far, without those at keys that are asked for later."""
    contrary = {question.name: question for question in QUESTIONS if _contradicts(question, answers)}
    rest = {name: answer for name, answer in answers.items() if name not in contrary}
    later = [question.path for question in QUESTIONS if question.name not in answers and question.applies(answers)]
    return [
        *(_contradiction(question, answers) for question in contrary.values()),
        *(error for error in errors(stack, rest) if not any(_within(error.path, path) for path in later)),
    ]


def _contradicts(question: Question, answers: Answers) -> bool:
    """Whether an answer has no effect beside another valid one."""
    decider, needed = question.only_with
    if question.name not in answers or not needed or question.applies(answers) or not on_gpus(answers):
        return False
    deciding = next(each for each in QUESTIONS if each.name == decider)
    return answers.get(decider) in deciding.choices(answers)


def _contradiction(question: Question, answers: Answers) -> Error:
    decider, needed = question.only_with
    return Error(
        f"--{question.name}",
        f"has no effect with --{decider} {answers[decider]}; leave it out, or use --{decider} {needed}",
    )


def _by_option(found: Iterable[Error], given: Answers) -> list[Error]:
    """The errors, with the options that were given in place of the settings that the loader names."""
    return [Error(_option(error.path, given), _with_options(error.message)) for error in found]


def _option(path: str, given: Answers) -> str:
    for setting, name in _OPTIONS.items():
        if _within(path, setting) and name in given:
            return f"--{name}"
    # The default layout is that of the model.
    return "--model" if "model" in given and _within(path, f"models.{DEPLOYMENT}.layout") else path


def _with_options(message: str) -> str:
    for setting, name in _OPTIONS.items():
        message = re.sub(rf"(?<![\w.]){re.escape(setting)}(?![\w.]*\w)", f"--{name}", message)
    return re.sub(r"\buse (layout|model) (?=[a-z])", r"use --\1 ", message)


def _within(path: str, parent: str) -> bool:
    return path == parent or path.startswith((f"{parent}.", f"{parent}["))
