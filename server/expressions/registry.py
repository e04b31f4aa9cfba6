"""The list of function families. Adding a function: its record in functions/<family>.py; adding a family: its line here."""

from collections.abc import Mapping

from server.expressions.function import Function, by_alias, by_name
from server.expressions.functions.arithmetic import FUNCTIONS as NUMBER
from server.expressions.functions.change import FUNCTIONS as CHANGE
from server.expressions.functions.dates import FUNCTIONS as DATE
from server.expressions.functions.lists import FUNCTIONS as LIST
from server.expressions.functions.logic import FUNCTIONS as LOGIC
from server.expressions.functions.moments import FUNCTIONS as MOMENT
from server.expressions.functions.parts import FUNCTIONS as PARTS
from server.expressions.functions.periods import FUNCTIONS as PERIODS
from server.expressions.functions.rounding import FUNCTIONS as ROUNDING
from server.expressions.functions.several import FUNCTIONS as SEVERAL
from server.expressions.functions.spans import FUNCTIONS as SPANS
from server.expressions.functions.text import FUNCTIONS as TEXT
from server.expressions.functions.writing import FUNCTIONS as WRITING

FUNCTIONS: Mapping[str, Function] = by_name((*LOGIC, *NUMBER, *ROUNDING, *SEVERAL, *TEXT, *PARTS, *WRITING, *DATE, *PERIODS, *SPANS, *MOMENT, *LIST, *CHANGE))
ALIASES: Mapping[str, Function] = by_alias(FUNCTIONS)
