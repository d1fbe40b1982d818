"""What all rooms agree on: the kinds of parts, and the level of every test."""

FOLDERS = {  # a kind of parts -> the folder of ``initbench.parts`` that holds ours
    "initializer": "initializers",
    "activation": "activations",
    "optimizer": "optimizers",
    "dataset": "datasets",
    "bias": "biases",
    "architecture": "architectures",
    "schedule": "schedules",
}
ALPHA = 0.05  # below it, or at it, a difference is shown
