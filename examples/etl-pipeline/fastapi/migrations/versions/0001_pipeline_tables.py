"""The tables of the pipeline.

Revision: 0001
Follows: nothing
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# One row per execution of a run. Deleting it removes all staging rows of that execution.
ATTEMPTS = """
CREATE TABLE etl.attempts (
    attempt_id  text PRIMARY KEY,
    run_id      text NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX attempts_run_id ON etl.attempts (run_id);
"""

# Staging tables are not UNLOGGED, although that would fill them faster: after a crash PostgreSQL
# empties such tables, and the steps that follow would go on with no rows as if there were none.
STAGING = """
CREATE TABLE etl.staged_airports (
    attempt_id  text NOT NULL REFERENCES etl.attempts ON DELETE CASCADE,
    iata        text NOT NULL,
    name        text NOT NULL,
    city        text NOT NULL,
    state       text,
    country     text NOT NULL,
    latitude    double precision NOT NULL,
    longitude   double precision NOT NULL,
    PRIMARY KEY (attempt_id, iata)
);
CREATE TABLE etl.staged_routes (
    attempt_id        text NOT NULL REFERENCES etl.attempts ON DELETE CASCADE,
    origin            text NOT NULL,
    destination       text NOT NULL,
    flights_per_year  integer NOT NULL,
    PRIMARY KEY (attempt_id, origin, destination)
);
-- As extracted: text, because a field that is not a number must arrive here to be judged.
CREATE TABLE etl.staged_flights (
    attempt_id   text NOT NULL REFERENCES etl.attempts ON DELETE CASCADE,
    row_number   integer NOT NULL,
    date         text,
    delay        text,
    distance     text,
    origin       text,
    destination  text,
    PRIMARY KEY (attempt_id, row_number)
);
CREATE TABLE etl.staged_quarantine (
    attempt_id  text NOT NULL REFERENCES etl.attempts ON DELETE CASCADE,
    row_number  integer NOT NULL,
    reason      text NOT NULL,
    detail      text NOT NULL,
    PRIMARY KEY (attempt_id, row_number)
);
CREATE TABLE etl.staged_valid_flights (
    attempt_id      text NOT NULL REFERENCES etl.attempts ON DELETE CASCADE,
    row_number      integer NOT NULL,
    departed_at     timestamp NOT NULL,
    origin          text NOT NULL,
    destination     text NOT NULL,
    delay_minutes   integer NOT NULL,
    distance_miles  integer NOT NULL,
    PRIMARY KEY (attempt_id, row_number)
);
-- `position` counts from 0 without gaps: partitions are ranges of it.
CREATE TABLE etl.staged_enriched_flights (
    attempt_id         text NOT NULL REFERENCES etl.attempts ON DELETE CASCADE,
    position           integer NOT NULL,
    row_number         integer NOT NULL,
    departed_at        timestamp NOT NULL,
    origin             text NOT NULL,
    destination        text NOT NULL,
    delay_minutes      integer NOT NULL,
    distance_miles     integer NOT NULL,
    origin_state       text NOT NULL,
    destination_state  text NOT NULL,
    month              text NOT NULL,
    haul               text NOT NULL,
    late               boolean NOT NULL,
    flights_per_year   integer,
    PRIMARY KEY (attempt_id, position)
);
-- Partition results, and after the merge the totals under the partition ''.
CREATE TABLE etl.staged_statistics (
    attempt_id    text NOT NULL REFERENCES etl.attempts ON DELETE CASCADE,
    partition     text NOT NULL,
    dimension     text NOT NULL,
    key           text NOT NULL,
    flights       integer NOT NULL,
    late          integer NOT NULL,
    delay_sum     bigint NOT NULL,
    delay_min     integer NOT NULL,
    delay_max     integer NOT NULL,
    distance_sum  bigint NOT NULL,
    PRIMARY KEY (attempt_id, partition, dimension, key)
);
"""

PUBLISHED = """
CREATE TABLE etl.flights (
    run_id             text NOT NULL,
    departed_at        timestamp NOT NULL,
    origin             text NOT NULL,
    destination        text NOT NULL,
    delay_minutes      integer NOT NULL,
    distance_miles     integer NOT NULL,
    origin_state       text NOT NULL,
    destination_state  text NOT NULL,
    haul               text NOT NULL,
    late               boolean NOT NULL,
    flights_per_year   integer,
    attempt_id         text NOT NULL,
    PRIMARY KEY (run_id, departed_at, origin, destination)
);
CREATE TABLE etl.statistics (
    run_id        text NOT NULL,
    dimension     text NOT NULL,
    key           text NOT NULL,
    flights       integer NOT NULL,
    late          integer NOT NULL,
    delay_sum     bigint NOT NULL,
    delay_min     integer NOT NULL,
    delay_max     integer NOT NULL,
    distance_sum  bigint NOT NULL,
    attempt_id    text NOT NULL,
    PRIMARY KEY (run_id, dimension, key)
);
CREATE TABLE etl.quarantine (
    run_id       text NOT NULL,
    row_number   integer NOT NULL,
    reason       text NOT NULL,
    detail       text NOT NULL,
    date         text,
    delay        text,
    distance     text,
    origin       text,
    destination  text,
    attempt_id   text NOT NULL,
    PRIMARY KEY (run_id, row_number)
);
CREATE TABLE etl.holds (
    run_id      text PRIMARY KEY,
    quality     double precision NOT NULL,
    threshold   double precision NOT NULL,
    reasons     text[] NOT NULL,
    attempt_id  text NOT NULL,
    held_at     timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE etl.reports (
    run_id       text PRIMARY KEY,
    outcome      text NOT NULL CHECK (outcome IN ('published', 'held')),
    report       jsonb NOT NULL,
    attempt_id   text NOT NULL,
    reported_at  timestamptz NOT NULL DEFAULT now()
);
"""


def upgrade() -> None:
    for statements in (ATTEMPTS, STAGING, PUBLISHED):
        op.execute(statements)


def downgrade() -> None:
    op.execute(
        """
        DROP TABLE etl.reports, etl.holds, etl.quarantine, etl.statistics, etl.flights,
            etl.staged_statistics, etl.staged_enriched_flights, etl.staged_valid_flights,
            etl.staged_quarantine, etl.staged_flights, etl.staged_routes, etl.staged_airports,
            etl.attempts
        """
    )
