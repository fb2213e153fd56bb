"""Text that people write → typed data, or every error at once with its key path. Pure Python and pydantic."""
