"""What can fail: kinds of faults and how a scenario's faults become an engine's rows."""
