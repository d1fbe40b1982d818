"""``initbench`` itself: its commands, and how errors end."""

from __future__ import annotations

import sys
from typing import Any

import click

from initbench.cli.check import check
from initbench.cli.cite import cite
from initbench.cli.claims import claims
from initbench.cli.compare import compare
from initbench.cli.data import data
from initbench.cli.explain import explain
from initbench.cli.export import export
from initbench.cli.list import list_parts
from initbench.cli.new import new
from initbench.cli.phase import phase
from initbench.cli.plan import plan
from initbench.cli.plot import plot
from initbench.cli.probe import probe
from initbench.cli.report import report
from initbench.cli.run import run
from initbench.cli.schema import schema
from initbench.cli.status import status
from initbench.cli.table import table
from initbench.cli.theory import theory
from initbench.errors import ConfigError, InitbenchError, nearest, printable
from initbench.process import note_interrupt

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
EXAMPLES = """\b
Examples:
  initbench list configs             show the bundled experiments
  initbench run relu_deep            train one of them
  initbench plot results/            draw its figures
  initbench new my_run               write a config to start from

\b
Completion of names with the tab key, in bash (likewise zsh_source, fish_source):
  eval "$(_INITBENCH_COMPLETE=bash_source initbench)"
"""


class Commands(click.Group):
    """Turns errors into a message and an exit code; with ``--debug`` the traceback is shown."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        is_debugging = "--debug" in sys.argv
        try:
            return super().invoke(ctx)
        except InitbenchError as error:
            if is_debugging:
                raise
            told = printable(str(error))
            click.echo(told if isinstance(error, ConfigError) else f"initbench: {told}", err=True)
            ctx.exit(error.exit_code)
        except MemoryError as error:
            if is_debugging:
                raise
            click.echo(f"initbench: not enough memory: {error or 'none is left'}; take fewer rows or units", err=True)
            ctx.exit(1)
        except KeyboardInterrupt as error:  # says what is kept, if anything is
            note_interrupt()
            click.echo("; ".join(filter(None, ["initbench: interrupted", str(error)])), err=True)
            ctx.exit(130)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if is_debugging:
                raise
            reason = " ".join(str(error).split()) or "no reason given"
            told = f"{type(error).__name__}: {reason} (for a traceback: --debug)"
            if isinstance(error, OSError) and error.filename is not None:
                told = f"{error.filename}: {error.strerror}"
            click.echo(printable(f"initbench: {told}"), err=True)
            ctx.exit(1)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the nearest."""
        if args and args[0] not in self.commands:
            close = nearest(args[0], self.commands)
            raise click.UsageError(f"no command '{args[0]}'" + (f"; nearest name: {close}" if close else ""), ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings=SETTINGS, epilog=EXAMPLES)
@click.version_option(package_name="initbench", message="initbench %(version)s")
def main() -> None:
    """Which weight initializer, and how sure are we?

    Trains small networks from many initializers, with paired seeds, and writes tables and figures with confidence
    intervals.
    """


COMMANDS = (
    *(run, plot, table, compare, report, plan, export, status, check, probe, explain, theory, phase, cite),
    *(claims, list_parts, data, new, schema),
)
for command in COMMANDS:
    main.add_command(command)
for command in (*main.commands.values(), *data.commands.values(), *claims.commands.values()):
    command.short_help = (command.help or "").partition("\n")[0]  # Click would cut it to the width of the terminal
    command.params.append(
        click.Option(["--debug"], is_flag=True, expose_value=False, help="Print the traceback of an error.")
    )
