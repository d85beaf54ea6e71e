"""Scenarios from the files that teams already have, one module for each format."""
