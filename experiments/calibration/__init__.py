"""Service times, calls and load of a scenario fitted to what was measured."""
