"""The pictures of README and docs, drawn by a browser from what the program computes: `python -m tools.pictures`."""
