"""The settings of a stack, and how they are read from its file. Pure."""
