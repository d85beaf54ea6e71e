"""How far to believe the engines: published results, and one engine beside the other."""
