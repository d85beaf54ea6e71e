"""`hms prove`: a frozen policy against every baseline on failures that nobody has seen."""
