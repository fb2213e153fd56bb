"""Mistakes that a reader of the guide makes, step by step: what is done, what is printed, what to do."""
