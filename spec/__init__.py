"""What is to be built, decided without any cloud: pure Python and pydantic, no Pulumi."""
