"""Agents on Ray: hosts, the `actors` engine, the cluster."""
