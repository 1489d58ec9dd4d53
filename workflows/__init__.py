"""Durable behaviour: deterministic Temporal workflows and the one client that talks to them."""
