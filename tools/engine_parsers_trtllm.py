"""Asks Dynamo's parser of TensorRT-LLM's flags, in an environment without TensorRT-LLM; engine_parsers.py says how.

Importing the real package needs CUDA. The parser takes the defaults of four flags from it, and nothing else: a fake of
that one class, in `stand_ins`, is on Python's path.
"""

import dynamo.trtllm.args
from engine_parsers import Parser, answer

if __name__ == "__main__":
    answer(Parser(module="dynamo.trtllm", parse=dynamo.trtllm.args.parse_args, engine=("TensorRT-LLM", "tensorrt-llm")))
