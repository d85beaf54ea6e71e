"""Decisions, the runtime library and its agents."""
