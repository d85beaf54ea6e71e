"""Reviews a system's settings of today, and puts them under test.

`review.py` asks every rule for findings and simulates what each costs; `expectations.py` runs a
scenario and compares what happened with what was promised. One file holds one family of rules:
time-outs, queues, retries, breakers, probes, replicas.
"""
