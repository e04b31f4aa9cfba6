"""The list of function families. Adding a function: its record in functions/<family>.py; adding a family: its line here."""

from collections.abc import Mapping

from server.expressions.function import Function, by_alias, by_name
from server.expressions.functions.arithmetic import FUNCTIONS as NUMBER
from server.expressions.functions.dates import FUNCTIONS as DATE
from server.expressions.functions.lists import FUNCTIONS as LIST
from server.expressions.functions.logic import FUNCTIONS as LOGIC
from server.expressions.functions.text import FUNCTIONS as TEXT

FUNCTIONS: Mapping[str, Function] = by_name((*LOGIC, *NUMBER, *TEXT, *DATE, *LIST))
ALIASES: Mapping[str, Function] = by_alias(FUNCTIONS)
