"""Incidents, what helped against what, and the port to the lab."""
