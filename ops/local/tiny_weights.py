"""Gives a model directory random weights. Runs in the vLLM environment, as `python tiny_weights.py SOURCE MADE`."""

import shutil
import sys
from pathlib import Path

import torch  # pyright: ignore[reportMissingImports]  # only the vLLM environment has it
from transformers import AutoConfig, AutoModelForCausalLM  # pyright: ignore[reportMissingImports]  # as above


def main(source: Path, made: Path) -> None:
    """Write `made`: a copy of the model directory, with the same weights every time."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(source)).to(torch.bfloat16)
    model.save_pretrained(made)
    # Last, because saving writes a configuration of its own.
    shutil.copytree(source, made, dirs_exist_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
