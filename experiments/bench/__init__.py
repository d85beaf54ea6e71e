"""The figures of this machine beside the goals: `make bench`, docs/performance.md.

They are reported, never asserted: a busy machine is not a failing test.
"""
