"""`init`: the files of a new stack, from what its owner answers."""
