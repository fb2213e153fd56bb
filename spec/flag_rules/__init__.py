"""What a stack may do with each flag of the runtime: classes of flags, rules for their values, relations between them.

Flags are allowed by name, never refused by name: a flag that no class has, such as one of a new runtime, is refused.
"""
