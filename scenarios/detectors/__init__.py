"""What happened in a run, read from what monitoring shows: no detector sees a fault."""
