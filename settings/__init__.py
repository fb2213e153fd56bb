"""What a stack may set, and how its file is read. Pure."""
