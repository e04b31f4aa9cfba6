"""Runs of the whole population and the values it has in common. The results themselves lie in `x_<object>`, see objects/results.py."""

import sqlalchemy as sa

from server.storage.dialects import BigInt, Instant, Json
from server.storage.system import metadata

assessment_runs = sa.Table(
    "assessment_runs",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("at", Instant, nullable=False),  # the moment that now() means in all of its parts
    sa.Column("release", sa.Integer, nullable=False),
    sa.Column("past", sa.Boolean, nullable=False),  # a day that is over: history only
    sa.Column("since", Instant),  # only who is due since this moment, that of an earlier run; null: everybody
    sa.Column("zone", sa.Text, nullable=False),  # in which the moment is a day
    sa.Column("state", sa.Text, nullable=False),  # running, done, abandoned
    sa.Column("cursor", BigInt, nullable=False),  # all records up to this id are done
    sa.Column("total", BigInt, nullable=False),
    sa.Column("done", BigInt, nullable=False),
    sa.Column("changed", BigInt, nullable=False),
    sa.Column("tally", Json, nullable=False),  # what the hooks did: {"alerts_opened": 3}
    sa.Column("scalars", Json, nullable=False),  # the population's values, worked out once at the start
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("finished_at", Instant),
    sa.Column("by", sa.Text, nullable=False),
)
sa.Index("ix_assessment_runs_object_id", assessment_runs.c.object, assessment_runs.c.id)

population_values = sa.Table(
    "population_values",
    metadata,
    sa.Column("object", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Double),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("release", sa.Integer, nullable=False),
)
