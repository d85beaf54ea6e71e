"""Threads that do everything at once see no half of anything (9.1)."""

from __future__ import annotations

from instance_threads import Mixed


def test_32_threads_report_heal_configure_and_read_without_a_torn_snapshot() -> None:
    mixed = Mixed(steps=40)
    mixed.run()
    mixed.check()
