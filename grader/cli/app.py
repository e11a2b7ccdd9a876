"""The commands put together."""

from __future__ import annotations

from typing import Annotated

import typer

from grader.cli import FLAG
from grader.cli.check import check
from grader.cli.course_map import show_map
from grader.cli.doctor import doctor
from grader.cli.hint import hint
from grader.cli.listing import show_list
from grader.cli.play import play

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("list")(show_list)
app.command("check")(check)
app.command("hint")(hint)
app.command("doctor")(doctor)
app.command("play")(play)


@app.callback(invoke_without_command=True)
def grader(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    traceback: Annotated[bool, typer.Option(FLAG, help="Show where the grader itself failed.")] = False,
) -> None:
    """A course on background work in FastAPI: without a command, the map of the course and the next step."""
    del traceback  # taken off the arguments before they come here; it is an option only so that help tells of it
    if version:
        from importlib.metadata import version as of

        typer.echo(of("background-work-course"))
    elif context.invoked_subcommand is None:
        show_map()
