"""The parser of SGLang's workers, in the environment that adds SGLang to vLLM's."""

import asyncio
from collections.abc import Sequence
from typing import Any

import dynamo.sglang.args
from engine_parsers import Parser, answer

MODEL = "model"


async def _none_fetched(model: str, *_: object, **__: object) -> str:
    """In place of the download of a model, which may be a folder."""
    return model


dynamo.sglang.args.fetch_model = _none_fetched


def parse(argv: Sequence[str]) -> Any:
    return asyncio.run(dynamo.sglang.args.parse_args(list(argv)))


if __name__ == "__main__":
    answer(
        Parser(
            module="dynamo.sglang",
            parse=parse,
            engine=("SGLang", "sglang"),
            beginning=("--model-path", MODEL),
            value_types={
                # SGLang's suffixes differ from vLLM's: `M` is a million in SGLang and 1024 × 1024 in our type "size".
                "human_readable_int": "integer",
                "json_list_type": "text",
                "nullable_str": "text",
                "parse_cuda_graph_config_arg": "object",
            },
        )
    )
