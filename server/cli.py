"""The `weatherglass` command. Each command reads its arguments, calls a service, shows the result and sets the exit code."""

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Weatherglass 晴雨表: forms, rules and workflows for customer risk.")


def main() -> None:
    app()
