"""Issues to acts: registry, ladder, limits, verification, undo, escalation."""
