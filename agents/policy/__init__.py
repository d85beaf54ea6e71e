"""Decisions and their parameters: standard library only, no clock, no chance, no I/O."""
