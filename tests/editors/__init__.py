"""What editors and CI do with the schema of stack files: check-jsonschema and the YAML language server."""
