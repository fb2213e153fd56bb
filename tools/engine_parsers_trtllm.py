"""Runs Dynamo's parser of TensorRT-LLM's flags in an environment without TensorRT-LLM; see engine_parsers.py.

Importing the real package needs CUDA. The parser uses only one class of it, for the defaults of four flags, so
`stand_ins` has a fake of that class.
"""

import dynamo.trtllm.args
from engine_parsers import Parser, answer

if __name__ == "__main__":
    answer(Parser(module="dynamo.trtllm", parse=dynamo.trtllm.args.parse_args, engine=("TensorRT-LLM", "tensorrt-llm")))
