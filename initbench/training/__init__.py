"""From cells to records: rows, first weights, stacks, workers, and the order in which all of it happens."""
