"""Results as people and machines read them: tables, YAML, text safe to print."""
