"""What docs/call.md tells clients to send is answered by Dynamo's frontend, and README shows what `make dev` prints."""

import json
import re
import subprocess
import sys

import openai
import pytest

from tests import doc_blocks
from tests.local.deployed import deployed
from tests.local.private import in_private_network
from tests.mistakes.mistake import Request
from tests.mistakes.table import STEPS
from tests.stacks import ROOT

pytestmark = pytest.mark.usefixtures("dynamo")

PAGE = "docs/call.md"
PRINTED_ENDPOINT = "http://127.0.0.1:8000"
SECONDS = 120


def test_the_page_has_requests_of_every_kind() -> None:
    bodies = [json.loads(words[words.index("-d") + 1]) for words in curls() if "-d" in words]
    assert [("stream" in body, "tools" in body) for body in bodies] == [(False, False), (True, False), (False, True)]


@in_private_network
def test_every_request_of_the_page_is_answered() -> None:
    with deployed(1, 1) as graph:
        for words in curls():
            answered(*[word.replace(PRINTED_ENDPOINT, graph.endpoint) for word in words])


@in_private_network
def test_the_openai_client_runs_the_script_of_the_page() -> None:
    with deployed(1, 1) as graph:
        done = subprocess.run(
            [sys.executable, "-c", python_script().replace(PRINTED_ENDPOINT, graph.endpoint)],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    answers, _, rejected = done.stdout.partition("\nrejected: ")
    assert rejected == "Error code: 404 - Model not found\n"
    assert len(answers) > 300  # two answers of 100 tokens each


@in_private_network
def test_what_the_page_says_of_tool_calls_and_of_long_prompts() -> None:
    with deployed(1, 1) as graph:
        client = openai.OpenAI(base_url=f"{graph.endpoint}/v1", api_key="none", max_retries=0)
        answer = client.chat.completions.create(
            model="qwen3-0.6b",
            max_tokens=10,
            messages=[{"role": "user", "content": "Call it."}],
            tools=[{"type": "function", "function": {"name": "weather"}}],
            tool_choice="required",
        )
        assert (answer.choices[0].message.tool_calls, answer.choices[0].finish_reason) == (None, "length")
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(
                model="qwen3-0.6b", max_tokens=10, messages=[{"role": "user", "content": "word " * 9000}]
            )


def curls() -> list[tuple[str, ...]]:
    """The curl commands of the page for this machine's endpoint."""
    return [words for words in doc_blocks.commands(PAGE) if words[0] == "curl" and PRINTED_ENDPOINT in " ".join(words)]


def answered(*words: str) -> None:
    """Runs one curl command as printed; fails unless the frontend answered what such a request asks for."""
    done = subprocess.run([*words, "--fail"], capture_output=True, text=True, timeout=SECONDS, check=True)
    if words[-1].endswith("/models"):
        assert json.loads(done.stdout)["data"][0]["id"]
    elif "-sN" in words:
        events = [line.removeprefix("data: ") for line in done.stdout.splitlines() if line.startswith("data: ")]
        assert events[-1] == "[DONE]"
        assert any(json.loads(event).get("usage") for event in events[:-1])
        assert len(events) > 3
    else:
        answer = json.loads(done.stdout)
        assert answer["choices"][0]["message"]["role"] == "assistant"
        assert answer["usage"]["completion_tokens"] > 0


def python_script() -> str:
    """The page's Python."""
    (script,) = re.findall(r"^```python\n(.*?)^```", (ROOT / PAGE).read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return script


def test_the_readme_shows_what_make_dev_prints() -> None:
    """Times, counts of pieces and the random words of the simulated engine differ."""
    (block,) = [block for block in doc_blocks.blocks("README.md") if block.commands == (("make", "dev"),)]
    (shown,) = re.findall(
        r"^```text\n(qwen3-0.6b was asked.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.M
    )
    assert block.output is None or block.output == shown
    dry = subprocess.run(["make", "-n", "dev"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    commands = [line.split("-m ops ")[1] for line in dry.stdout.splitlines() if "-m ops " in line]
    assert commands == ["preview --stack dev", "local --once --stack dev"]
    done = subprocess.run(
        [sys.executable, "-m", "ops", *commands[1].split()],
        cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = done.stdout[done.stdout.index("qwen3-0.6b was asked") :].splitlines()
    assert [alike(line) for line in shown.splitlines()] == [alike(line) for line in printed]


def alike(line: str) -> str:
    """A line without what differs between two runs."""
    if re.fullmatch(r"(?:[A-Z]?[a-z]+[ .…]*)+", line) and "simulated" not in line:
        return "random words"
    return re.sub(r"127\.0\.0\.1:\d+|\d+(\.\d+)? (ms|s|pieces)\b", "N", line)


@in_private_network
def test_a_mistaken_request_is_answered_as_the_troubleshooting_page_says() -> None:
    mistakes = [(m, m.run) for step in STEPS for m in step.mistakes if isinstance(m.run, Request)]
    assert mistakes
    with deployed(1, 1) as graph:
        for mistake, request in mistakes:
            url = f"{graph.endpoint}{request.path}"
            words = [
                "curl",
                "-s",
                url,
                "-H",
                "Content-Type: application/json",
                "-d",
                request.body,
                "-w",
                "\n%{http_code}",
            ]
            done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=True)
            text, _, status = done.stdout.rpartition("\n")
            assert int(status) == mistake.code, (mistake.what, done.stdout)
            assert re.fullmatch(".*".join(map(re.escape, mistake.says.split("…"))), text.strip()), text
