"""The only class that `dynamo.trtllm.args` reads, for the defaults of four flags.

The values come from TensorRT-LLM's documentation, not from its package.
"""

from pydantic import BaseModel


class BaseLlmArgs(BaseModel):
    max_batch_size: int | None = 2048
    max_num_tokens: int | None = 8192
    max_seq_len: int | None = None
    max_beam_width: int | None = 1
