"""Engines: ways to run one compiled scenario."""
