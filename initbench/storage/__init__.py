"""Where results lie: the store of an experiment, the right to write into it, and what its files show."""
