"""What a change does to a stack: two previews compared, resource by resource."""
