"""As far as `dynamo.trtllm.args` imports it."""
