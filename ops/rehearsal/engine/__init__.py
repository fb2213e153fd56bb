"""Pulumi's engine in a rehearsal: its process, its stack, the steps it runs, and what they show."""
