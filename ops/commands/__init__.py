"""The commands, one file each: arguments, call, print."""
