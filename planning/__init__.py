"""Turns Settings into the Plan, which holds every decision. Pure, without calls to any cloud."""
