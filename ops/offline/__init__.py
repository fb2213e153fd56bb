"""The whole program run without Pulumi's engine: stack files, recording, policy verdicts."""
