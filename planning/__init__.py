"""Settings → Plan: every decision, made without any cloud. Pure."""
