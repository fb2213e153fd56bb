"""Adds random weights to a model directory. Runs in the vLLM environment, as `python tiny_weights.py SOURCE TARGET`."""

import shutil
import sys
from pathlib import Path

import torch  # pyright: ignore[reportMissingImports]  # only the vLLM environment has it
from transformers import AutoConfig, AutoModelForCausalLM  # pyright: ignore[reportMissingImports]  # as above


def main(source: Path, target: Path) -> None:
    """Writes `target`, a copy of the model directory with weights that are the same every time."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(source)).to(torch.bfloat16)
    model.save_pretrained(target)
    # Last, because saving writes a configuration of its own.
    shutil.copytree(source, target, dirs_exist_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
