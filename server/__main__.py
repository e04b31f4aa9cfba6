"""`python -m server` is the command `weatherglass` of a checkout that was not installed."""

from server.cli.main import main

main()
