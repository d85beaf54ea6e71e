"""One file a revision, numbered; each says how to come and how to go back."""
