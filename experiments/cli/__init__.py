"""The commands, a file each; `main.py` finds them without importing them."""
