"""The number formats that each engine loads on GPUs, for JSON and in words."""

from collections.abc import Mapping

from catalog.engines import real_engines
from catalog.formats import FormatUse
from catalog.machines import Gpus


def by_engine(gpus: Gpus) -> dict[str, dict[str, str]]:
    """Engine → format → "native" or "weightOnly"; without formats it does not load, and without simulated engines."""
    return {engine.name: {name: use.value for name, use in engine.loads(gpus).items()} for engine in real_engines()}


def by_use(formats: Mapping[str, str]) -> str:
    """The formats in words, such as `bf16, fp8; weight-only: mxfp4`."""
    native = [name for name, use in formats.items() if use == FormatUse.NATIVE]
    others = [name for name, use in formats.items() if use == FormatUse.WEIGHT_ONLY]
    words = [", ".join(native), f"{FormatUse.WEIGHT_ONLY.words}: {', '.join(others)}" if others else ""]
    return "; ".join(filter(None, words)) or "no known format"
