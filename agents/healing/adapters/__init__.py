"""One file for each framework, loaded when it is first used; none is needed by the library."""
