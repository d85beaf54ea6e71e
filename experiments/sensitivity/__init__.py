"""Which guessed quantities would change the answer, so that a team knows what to measure first."""
