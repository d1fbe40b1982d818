"""A run that is watched, and interrupted after so many stacks."""

from initbench.training.runner import Progress


class Counting(Progress):
    """Counts what is trained, and interrupts after so many stacks."""

    def __init__(self, stop_after=None):
        self.cells, self.trained, self.stacks, self.stop_after = [], [], 0, stop_after

    def finish(self, cells, records):
        self.cells += cells
        self.trained += [cell.key for cell in cells]
        self.stacks += 1
        if self.stacks == self.stop_after:
            raise KeyboardInterrupt
