"""HMS Self-Healing: evolve, prove and ship healing policies; heal services with them."""

__version__ = "0.1.0"
