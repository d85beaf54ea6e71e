"""What must hold before a policy counts as proven: comparisons, the gate, looks, engines' ranks."""
