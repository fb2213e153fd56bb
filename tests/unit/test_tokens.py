"""Credentials are known by their shape, and names, digests and revisions are not taken for them."""

import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading.errors import Error, shown
from reading.tokens import MASK, holds_token, kind, masked
from tests.security.canaries import CANARIES, GLUED, PASTED, SIBLINGS
from tests.stacks import ROOT


@pytest.mark.parametrize("name", PASTED)
def test_a_token_is_masked_and_the_text_around_it_is_not(name: str) -> None:
    token = CANARIES[name]
    for before, after in (("", ""), ("got ", "; must be a list"), ('{"a": "', '"}'), ("--flag=", ""), ("1.6.2-", "")):
        hidden = masked(f"{before}{token}{after}")
        assert MASK in hidden
        assert token not in hidden
        assert hidden.startswith(before)
        if not token.startswith("-----BEGIN"):  # one without an end hides the rest
            assert hidden.endswith(after)
    assert kind(token) == name


@pytest.mark.parametrize(("name", "token"), [(name, token) for name, more in SIBLINGS.items() for token in more])
def test_every_shape_of_a_kind_is_known(name: str, token: str) -> None:
    assert kind(f"got {token}") == name
    assert not any(part in masked(f"got {token} here") for part in ("GhIjKl", "0a1b2c", "xxxx", "abcdefab"))


@pytest.mark.parametrize("name", GLUED)
def test_a_letter_before_a_token_does_not_hide_it(name: str) -> None:
    token = CANARIES[name]
    for before in ("x", "token", "labels.token"):
        assert masked(f"{before}{token}") == f"{before}{MASK}"


def test_a_password_in_an_address_is_masked_and_the_host_is_not() -> None:
    secret = CANARIES["a password in an address"]
    assert masked(f"git+https://{secret}@host.example/x") == "git+https://[secret]@host.example/x"
    assert kind(f"https://{secret}@host.example") == "a password in an address"


NAMES = [
    "--disk-cache", "hf_transfer", "hf_overrides", "hf_hub_download", "HF_HUB_OFFLINE=1", "HF_TOKEN", "--hf-token",
    "hf-token", "hf_T5", "risk-assessment-2026-01", "task-runner-v2-long-name", "flask-3.0.3", "sk-learn",
    "sha256:" + "0a1b" * 16, "0a1b2c3d" * 5, "meta-llama/Llama-3.3-70B-Instruct", "nvcr.io/nvidia/ai-dynamo/vllm:1.6.2",
    "https://github.com/owner/repo@v1.2.3", "oci://registry/path:tag@sha256:abc", "glossary-of-all-the-words",
    "v1:x", "v1:AAAA", "https://huggingface.co:443/api", "a@b.example", "AKIA", "npm_config_cache",
    "laughs_averaged", "task-runner-V2-long-name-here", "APACHELICENSE20", "API-KEY", "SKU", "ACCELERATORS",
    "Model-Optimizer.v1",
    "secretsKey: projects/p/locations/europe-west1/keyRings/gke/cryptoKeys/secrets", "key: " + "0a1b2c3d" * 5,
    "token: the-name-of-a-secret-in-secret-manager-of-44-c", "10.0.0.1:8000", "12345678:abc", "eyJ",
    "us-docker.pkg.dev/x-us12",
    "cl: abcdefabcdefabcdefabcdef", "aws-key-id", "_authToken=${NPM_TOKEN}", "BEGIN CERTIFICATE", "PRIVATE KEY",
]  # fmt: skip


@pytest.mark.parametrize("text", NAMES)
def test_a_name_is_no_token(text: str) -> None:
    assert masked(text) == text
    assert not holds_token(text)
    assert kind(text) is None


def test_nothing_that_the_program_ships_or_renders_looks_like_a_token() -> None:
    rooms = ("catalog", "manifests", "tests/golden")
    places = [*(path for room in rooms for path in (ROOT / room).rglob("*.*")), *ROOT.glob("*.*")]
    files = [path for path in places if path.suffix in {".yaml", ".json", ".md", ".txt", ".toml"}]
    assert len(files) > 20
    for path in files:
        for line in path.read_text(encoding="utf-8").splitlines():
            assert masked(line) == line, path


@pytest.mark.parametrize("before", ["\n", "\t", "\x1b", "\x00", "\u202e", "é", "'", "\\"])
def test_an_escape_before_a_token_does_not_hide_it(before: str) -> None:
    token = CANARIES["a Hugging Face token"]
    for text in (shown(before + token), masked(repr(before + token)), masked(ascii(before + token))):
        assert token not in text


def test_a_token_is_masked_before_a_value_is_cut() -> None:
    token = CANARIES["a Hugging Face token"]
    for filling in range(70):
        text = shown("x" * filling + "-" + token + "y" * 50)
        assert not any(part in text for part in (token[:8], token[3:9]))


@given(st.text(), st.sampled_from(sorted(PASTED)), st.text())
def test_no_text_around_a_token_gets_it_into_an_error(before: str, name: str, after: str) -> None:
    token = CANARIES[name]
    if before[-1:].isascii() and before[-1:].isalpha():
        before += " "
    error = Error(f"models.{before}{token}", f"got {shown(before + token + after)} ({before}{token}{after})")
    assert token not in str(error)
    assert token not in repr(error)


@given(st.text())
def test_masking_twice_is_masking_once(text: str) -> None:
    assert masked(masked(text)) == masked(text)


# Beginnings of shapes, and texts that are nearly one.
PIECES = [
    "hf_",
    "sk-",
    "sk-a",
    "v1:aaaaaaaa",
    "v1:aaaaaaaa:",
    "eyJ",
    "eyJ1",
    "eyJ.",
    "://a:",
    "://:",
    "gh",
    "a",
    "-",
    "npm_a",
    "-----BEGIN PRIVATE KEY-----",
    "BEGIN ",
    "BEGIN PRIVATE ",
    "-----END ",
    "AKC1",
    "AP1",
    "APA",
    "M-",
    "Maaaaaaaaaaaaaaaaaaaaaaaa.",
    "1:",
    "12345678:",
    "SK0",
    "AKIA",
    "aws",
    "aws key ",
    "awskey=",
    "key=",
    "token: ",
    "SG.",
    "SG.aaaaaaaaaaaaaaaaa",
    "glpat-",
    "xoxb-",
    "nvapi-",
    "_authToken=",
    "ibm_",
    "ibm_cloud_",
    "secret",
    "cl_key=",
    "0a1b2c3d",
    "hooks.slack.com/services/",
    " ",
    "\\",
]


@pytest.mark.parametrize("piece", PIECES)
def test_the_time_grows_with_the_text_and_no_faster(piece: str) -> None:
    """Twenty times the text takes far less than the 400 times of two loops in each other."""

    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        begun = time.process_time()
        masked(text)
        return time.process_time() - begun

    short = max(min(seconds(4_000) for _ in range(3)), 0.0005)
    assert min(seconds(80_000) for _ in range(2)) < 100 * short


def test_a_program_is_searched_fast() -> None:
    """A policy searches the programs of all Jobs at each preview. A shape that `re` must try at every place costs more
    than all others together."""
    program = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "workloads").rglob("*.py")))

    def seconds(run: Callable[[str], object]) -> float:
        begun = time.process_time()
        run(program)
        return time.process_time() - begun

    words = min(seconds(re.compile(r"[a-z]+").findall) for _ in range(3))
    assert min(seconds(holds_token) for _ in range(3)) < 20 * words


def test_the_kinds_of_the_canaries_are_all_there_are() -> None:
    source = (ROOT / "reading" / "tokens.py").read_text(encoding="utf-8")
    kinds = set(re.findall(r'^    "(an? [^"]+)":', source, re.MULTILINE))
    assert kinds | {"a private key"} == set(CANARIES)
