"""The oracle: what the best of all acts and data planes would have saved, told fault and place.

Nothing is imported here: who reads a finished run needs `gap` and not the engine behind `best`.
"""
