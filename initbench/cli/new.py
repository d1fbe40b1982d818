"""``initbench new``."""

from __future__ import annotations

from pathlib import Path

import click

STARTER = """\
# Which initializer trains this network, and how sure are we?   Run it:  {run}
# A list of values sweeps a key. Further keys, at their defaults: output_initializer: same, bias: zeros,
# normalization: none, residual: none, clip_norm: null, weight_decay: 0, scaling: standard, train_rows: all,
# dtype: float32
dataset: digits                 # digits, mnist-10k, mnist, churn, or {{csv: FILE, target: COLUMN}}
depth: 5                        # hidden layers; a list sweeps: [3, 10, 20]
width: 64                       # units in each
activation: relu                # initbench list activations
initializer:                    # initbench list initializers
  - he_normal
  - glorot_uniform
  - zeros
  - {{normal: {{std: 0.01}}}}       # a part with a parameter
optimizer: sgd                  # initbench list optimizers
learning_rate: 0.05
batch_size: 64
epochs: 10
seeds: 5                        # each initializer is trained from seeds 0 to 4, on the same splits and batches
"""


@click.command(
    epilog="\b\nExamples:\n  initbench new            print a config\n  initbench new my_run     write my_run.yaml\n"
)
@click.argument("name", required=False)
def new(name: str | None) -> None:
    """Print a commented starter config, or write it to NAME.yaml."""
    from initbench.config.keys import why_no_folder
    from initbench.errors import UsageError, command_line

    if name is None:
        click.echo(STARTER.format(run="initbench run FILE.yaml"), nl=False)
        return
    path = Path(name if name.endswith((".yaml", ".yml")) else f"{name}.yaml")
    reason = why_no_folder(path.stem)
    if reason:
        raise UsageError(f"'{path.stem}' is no name for a config: {reason}")
    try:
        with path.open("x", encoding="utf-8") as file:  # never over a file that is there
            file.write(STARTER.format(run=command_line("run", path)))
    except FileExistsError:
        raise UsageError(f"{path} is there already; choose another name") from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    click.echo(f"wrote {path}; next: {command_line('run', path)}")
