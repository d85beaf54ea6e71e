"""The figures of this machine, beside the goals: `python -m hms.experiments.bench`, `make bench`.

They are reported, never asserted: a busy machine is not a failing test.
"""
