"""The number formats that an engine loads on GPUs, for JSON and in words."""

from collections.abc import Mapping

from catalog.engines import Engine
from catalog.formats import FormatUse
from catalog.machines import Gpus


def number_formats(engine: Engine, gpus: Gpus) -> dict[str, str]:
    """Format → "native" or "weightOnly"; without the formats that the engine does not load there."""
    return {name: use.value for name, use in engine.loads(gpus).items()}


def by_use(formats: Mapping[str, str]) -> str:
    """`bf16, fp8; weight-only: mxfp4`."""
    native = [name for name, use in formats.items() if use == FormatUse.NATIVE]
    others = [name for name, use in formats.items() if use == FormatUse.WEIGHT_ONLY]
    return "; ".join(
        [
            *([", ".join(native)] if native else []),
            *([f"{FormatUse.WEIGHT_ONLY.words}: {', '.join(others)}"] if others else []),
        ]
    )
