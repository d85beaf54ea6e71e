"""A healing policy as configuration that other stacks load, and what each of them loses.

A file for each target; `loss.py` is the report that every export carries.
"""
