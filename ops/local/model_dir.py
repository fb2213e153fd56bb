"""Creates a model directory without weights: a trained tokenizer, a chat template and a small Llama's configuration.

Runs in the Dynamo environment, as `python model_dir.py DIRECTORY`. The tokenizer is trained on the standard library's
source, which every machine with Python has, so nothing is downloaded from a hub.
"""

import json
import sys
import sysconfig
from pathlib import Path
from typing import Any

from tokenizers import (  # pyright: ignore[reportMissingImports]  # only the Dynamo environment has it
    Tokenizer,
    decoders,
    models,
    pre_tokenizers,
    trainers,
)

SPECIAL = ["<|bos|>", "<|end|>", "<|eot|>", "<|role|>", "<|/role|>", "<|pad|>"]
BOS, END, TURN_END, _, _, PAD = SPECIAL
# Large enough that random tokens look like pieces of words, small enough to train in under a second.
VOCABULARY = 4096
TRAINING_FILES = 120
CONTEXT_TOKENS = 8192

CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}<|role|>{{ message['role'] }}<|/role|>{{ message['content'] }}<|eot|>{% endfor %}"
    "{% if add_generation_prompt %}<|role|>assistant<|/role|>{% endif %}"
)


def trained_tokenizer() -> Tokenizer:
    """A byte-level BPE tokenizer, which can encode every text and has one token for each common word."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    corpus = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))[:TRAINING_FILES]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train([str(path) for path in corpus], trainer)
    return tokenizer


def model_files(vocabulary: int) -> dict[str, dict[str, Any]]:
    """File name → content, for a two-layer Llama with a head dimension of 64, vLLM's minimum on a CPU."""
    ids = {
        "bos_token_id": SPECIAL.index(BOS),
        "eos_token_id": [SPECIAL.index(END), SPECIAL.index(TURN_END)],
        "pad_token_id": SPECIAL.index(PAD),
    }
    named = {"bos_token": BOS, "eos_token": TURN_END, "pad_token": PAD}
    flags = {"special": True, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False}
    return {
        "config.json": {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "torch_dtype": "bfloat16",
            "hidden_act": "silu",
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 64,
            "max_position_embeddings": CONTEXT_TOKENS,
            "rms_norm_eps": 1e-5,
            "rope_theta": 500000.0,
            "tie_word_embeddings": False,
            "attention_bias": False,
            "mlp_bias": False,
            "vocab_size": vocabulary,
            **ids,
        },
        "generation_config.json": {"do_sample": True, "temperature": 0.6, "top_p": 0.9, **ids},
        "special_tokens_map.json": named,
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": CONTEXT_TOKENS,
            "clean_up_tokenization_spaces": False,
            "added_tokens_decoder": {str(number): {"content": token, **flags} for number, token in enumerate(SPECIAL)},
            "chat_template": CHAT_TEMPLATE,
            **named,
        },
    }


def main(directory: Path) -> None:
    """Writes the model directory, which must not exist yet."""
    directory.mkdir(parents=True)
    tokenizer = trained_tokenizer()
    tokenizer.save(str(directory / "tokenizer.json"))
    for name, content in model_files(tokenizer.get_vocab_size()).items():
        (directory / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
