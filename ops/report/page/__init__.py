"""The picture of an environment: one HTML page, or a Mermaid flowchart, from a plan and its recorded resources."""
