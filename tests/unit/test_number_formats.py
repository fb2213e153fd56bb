"""Number formats of weights and KV cache: native, weight-only or refused, by engine and GPU."""

from pathlib import Path
from typing import Any

import pytest

from catalog import models
from catalog.engines import engine
from catalog.engines.vllm import Vllm
from catalog.formats import ARITHMETIC, FormatUse
from catalog.machines import Gpus
from catalog.models import card, variants
from reading import entries
from tests.made_up_machines import ONE_GPU
from tests.stacks import errors, planned

NATIVE, WEIGHT_ONLY, REFUSED = FormatUse
# By compute capability: T4, A100, L4, H100, B200, B300, RTX PRO 6000.
VLLM: dict[str, tuple[FormatUse, ...]] = {
    "7.5": (REFUSED, REFUSED, REFUSED, REFUSED, REFUSED),
    "8.0": (NATIVE, WEIGHT_ONLY, WEIGHT_ONLY, WEIGHT_ONLY, WEIGHT_ONLY),
    "8.9": (NATIVE, NATIVE, WEIGHT_ONLY, WEIGHT_ONLY, WEIGHT_ONLY),
    "9.0": (NATIVE, NATIVE, WEIGHT_ONLY, WEIGHT_ONLY, WEIGHT_ONLY),
    "10.0": (NATIVE, NATIVE, NATIVE, NATIVE, WEIGHT_ONLY),
    "10.3": (NATIVE, NATIVE, NATIVE, NATIVE, WEIGHT_ONLY),
    "12.0": (NATIVE, NATIVE, WEIGHT_ONLY, NATIVE, WEIGHT_ONLY),
}


def gpus(capability: str, formats: dict[str, Any] | None = None) -> Gpus:
    return Gpus(type="g", product="G", count=1, memory_mib=80000, compute_capability=capability, formats=formats)


@pytest.mark.parametrize("capability", VLLM)
def test_what_vllm_makes_of_a_format(capability: str) -> None:
    names = ("bf16", "fp8", "mxfp4", "nvfp4", "int4")
    assert tuple(engine("vllm").format_use(name, gpus(capability)) for name in names) == VLLM[capability]
    assert engine("vllm").format_use("mxfp6", gpus(capability)) is REFUSED


def test_an_engine_that_says_nothing_loads_what_the_gpu_computes() -> None:
    class Plain(Vllm):
        formats = ARITHMETIC

    assert dict(Plain().loads(gpus("8.0"))) == {"bf16": NATIVE}
    assert dict(Plain().loads(gpus("9.0"))) == {"bf16": NATIVE, "fp8": NATIVE}
    assert set(Plain().loads(gpus("10.0"))) == {"bf16", "fp8", "mxfp8", "mxfp4", "nvfp4"}


def test_a_machines_file_may_allow_less() -> None:
    given = gpus("10.0", {"bf16": "native", "fp8": "weightOnly"})
    assert dict(engine("vllm").loads(given)) == {"bf16": NATIVE, "fp8": WEIGHT_ONLY}


def test_variants_go_by_the_name_of_the_card() -> None:
    assert [each.name for each in variants(card("llama-3.3-70b-instruct"))] == ["llama-3.3-70b-instruct-fp8"]
    assert [each.name for each in variants(card("llama-3.3-70b-instruct-fp8"))] == ["llama-3.3-70b-instruct"]
    assert list(variants(card("qwen3-32b"))) == []


CARD = models.FOLDER / "llama-3.3-70b-instruct-fp8.yaml"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's with a machine like A100, one like H100, one like B200, and a card in NVFP4."""
    monkeypatch.setattr(entries, "ROOT", tmp_path)
    eight = (
        ONE_GPU.replace("count: 1", "count: 8")
        .replace("memoryGb: 32", "memoryGb: 256")
        .replace("vcpus: 8", "vcpus: 64")
        .replace(", formats: {bf16: native}", "")
        .replace("23000", "81559")
    )
    for name, capability in (("m80", "8.0"), ("m90", "9.0"), ("m100", "10.0")):
        text = eight.replace('"8.9"', f'"{capability}"').replace("product: Y1", f"product: GPU{capability[:-2]}")
        (tmp_path / f"{name}.yaml").write_text(text)
    text = CARD.read_text().replace("format: fp8", "format: nvfp4").split("layouts:")[0]
    (tmp_path / "llama-3.3-70b-instruct-nvfp4.yaml").write_text(text)
    (tmp_path / "with-fp8-cache.yaml").write_text(f"{text}engineArgs: {{vllm: [--kv-cache-dtype, fp8]}}\n")
    return tmp_path


def on(machine: str, model: str, **more: Any) -> dict[str, Any]:
    chat = {"model": model, "layout": "aggregated", **more}
    return {"capacity": {"machine": f"./{machine}.yaml", "mode": "spot"}, "models.chat": chat}


FP8, NVFP4 = "llama-3.3-70b-instruct-fp8", "./llama-3.3-70b-instruct-nvfp4.yaml"


@pytest.mark.parametrize(
    ("machine", "model", "says"),
    [
        ("m80", FP8, "weight-only on GPU8: its weights stay in fp8 in memory, and vLLM computes with them in 16 bits: "
                     "no fp8 arithmetic, slower prefill; llama-3.3-70b-instruct is native there"),
        ("m90", NVFP4, "weight-only on GPU9: its weights stay in nvfp4 in memory, and vLLM computes with them in 16 "
                       "bits: no nvfp4 arithmetic, slower prefill; llama-3.3-70b-instruct or "
                       "llama-3.3-70b-instruct-fp8 is native there"),
        ("m90", FP8, None),
        ("m100", NVFP4, None),
    ],
)  # fmt: skip
def test_weight_only_formats_are_warned_of(folder: Path, machine: str, model: str, says: str | None) -> None:
    found = [warning for warning in planned(on(machine, model)).warnings if "weight-only" in warning]
    assert found == ([f"models.chat.model: {says}"] if says else [])


@pytest.mark.parametrize(
    ("machine", "model", "says"),
    [
        ("m90", NVFP4, "only a checkpoint of ModelOpt (`quant_method: modelopt`) loads there"),
        ("m80", FP8, "a checkpoint of ModelOpt (`quant_method: modelopt`) fails there"),
        ("m100", NVFP4, None),
        ("m90", FP8, None),
    ],
)
def test_sglangs_weight_only_formats_name_the_checkpoints_that_load(
    folder: Path, machine: str, model: str, says: str | None
) -> None:
    found = [w for w in planned(on(machine, model, engine={"name": "sglang"})).warnings if "weight-only" in w]
    assert [says in warning for warning in found if says] == ([True] if says else [])
    assert len(found) == (1 if says else 0)


@pytest.mark.parametrize(
    ("name", "format_", "machine"),
    [("sglang", "mxfp8", "m90"), ("sglang", "int8", "m100"), ("sglang", "fp16", "m100"), ("trtllm", "int8", "m90"),
     ("trtllm", "fp16", "m100"), ("vllm", "mxfp6", "m90")],
)  # fmt: skip
def test_a_gap_is_the_engines_and_not_said_to_be_the_gpus(
    folder: Path, tmp_path: Path, name: str, format_: str, machine: str
) -> None:
    text = CARD.read_text().replace("format: fp8", f"format: {format_}").split("layouts:")[0]
    (tmp_path / f"in-{format_}.yaml").write_text(text)
    messages = [error.message for error in errors(on(machine, f"./in-{format_}.yaml", engine={"name": name}))]
    (gap,) = [message for message in messages if f"are in {format_}" in message]
    assert f"which {engine(name).title} is not known to load on GPU{machine[1:-1]} of {machine}" in gap
    assert "compute" not in gap


def test_a_format_that_a_machines_file_leaves_out_is_said_to_be_so(folder: Path) -> None:
    text = (folder / "m90.yaml").read_text().replace('"9.0"', '"9.0", formats: {bf16: native}')
    (folder / "m91.yaml").write_text(text)
    (found,) = errors(on("m91", FP8))
    assert "are in fp8, which the file of m91 does not list in gpus.formats; vLLM loads bf16 there" in found.message


def test_a_refused_format_names_the_variant_that_is_native(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Vllm, "formats", ARITHMETIC)
    (found,) = errors(on("m80", FP8))
    assert (found.path, found.message) == (
        "models.chat.model",
        "the weights of llama-3.3-70b-instruct-fp8 are in fp8, which vLLM is not known to load on GPU8 of m80; "
        "vLLM loads bf16 there; use llama-3.3-70b-instruct, which is native there",
    )


@pytest.mark.parametrize(("machine", "refused"), [("m80", True), ("m90", False), ("m100", False)])
def test_an_fp8_kv_cache_needs_fp8_arithmetic(folder: Path, machine: str, refused: bool) -> None:
    found = errors(on(machine, "llama-3.3-70b-instruct", engine={"kvCacheDtype": "fp8"}))
    assert [error.path for error in found] == (["models.chat.engine.kvCacheDtype"] if refused else [])


def test_an_fp8_kv_cache_cannot_be_had_by_arguments(folder: Path) -> None:
    (found,) = errors(on("m80", "llama-3.3-70b-instruct", engine={"extraArgs": ["--kv-cache-dtype", "fp8_e4m3"]}))
    assert (found.path, "engine.kvCacheDtype" in found.message) == ("models.chat.engine.extraArgs[0]", True)
    (of_card,) = errors(on("m90", "./with-fp8-cache.yaml"))
    assert of_card.path == "with-fp8-cache.yaml: engineArgs.vllm[0]"


@pytest.mark.parametrize(("machine", "native"), [("a4-highgpu-8g", True), ("a3-ultragpu-8g", False)])
def test_native_mxfp4_of_vllm_names_what_stays_in_16_bits(machine: str, native: bool) -> None:
    place = {"location": {"region": "europe-west4", "zone": "europe-west4-a", "allowUnlisted": True}}
    chat = {"models.chat": {"model": "gpt-oss-120b", "layout": "aggregated"}}
    changes = {"capacity.machine": machine} | place | chat
    warnings = planned(changes).warnings
    said = [w for w in warnings if w.startswith("models.chat.model") and "mxfp4" in w]
    assert len(said) == 1
    assert ("the activations of the experts stay in bfloat16" in said[0]) is native
    assert ("weight-only on H200" in said[0]) is not native


def test_a_native_format_without_a_limit_is_not_warned_of() -> None:
    assert engine("vllm").format_condition("nvfp4", gpus("10.0")) is None
    assert engine("vllm").format_condition("mxfp6", gpus("10.0")) is None
