"""The benchmark: what runs, in which order, and what is said about it."""
