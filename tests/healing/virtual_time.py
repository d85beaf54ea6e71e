"""The virtual loop, by the name under which the tests of this folder know it."""

from hms.agents.healing.testing.virtual_loop import PATIENCE_S, JumpingSelector, VirtualLoop, run

__all__ = ["PATIENCE_S", "JumpingSelector", "VirtualLoop", "run"]
