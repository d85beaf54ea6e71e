"""Draws systems and failures: families x topologies x quantities x seeds, split for good."""
