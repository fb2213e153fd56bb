"""The part of the package that `dynamo.trtllm.args` imports."""
