"""The lines of tests/cases/expressions/*.csv, on every engine. Anybody can add one: the README there says how."""

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import batched, groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from server.expressions.check import Checked, check
from server.expressions.compile import compile_python
from server.expressions.evaluate import evaluate
from server.expressions.explain import explain, sentence
from server.expressions.registry import FUNCTIONS
from server.expressions.sql import compile_sql, when_true
from server.expressions.types import At
from server.storage.dialects import BigInt, Instant, Keys
from server.storage.session import Database
from tests.expressions.engines import UTC_NOON, plain
from tests.expressions.generate import HELD, SCOPE
