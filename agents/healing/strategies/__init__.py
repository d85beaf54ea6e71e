"""Built-in strategies, one file for each action with an effect (7.3)."""
