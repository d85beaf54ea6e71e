"""Sweeps: every combination of some factors, each on the same drawn failures."""
