"""One protected call: the guard, what its end means, and all dependencies of an instance."""
