"""The world: topology, load, faults, engines, and how they are read from files."""
