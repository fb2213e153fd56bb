"""Converts text that people write to typed data, or reports every error with its key path. Pure Python and pydantic."""
