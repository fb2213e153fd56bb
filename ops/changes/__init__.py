"""Effects of a change on a stack: compares two previews, resource by resource."""
