"""What goes in and out: the request, the job that steps see, and the result of every step.

Step results are references and small figures. The rows themselves stay in PostgreSQL, in staging
tables keyed by `attempt_id`: a result travels through the queue and into every later step, so it
has to stay small.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

Identifier = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)
]


def _plain_file_name(name: str) -> str:
    if "/" in name or "\\" in name or name.startswith(".") or not name.isprintable():
        raise ValueError(
            "must be the plain name of a file in ETL_DATA_DIR, without folders; "
            "copy the file there first"
        )
    if not name.endswith((".csv", ".json")):
        raise ValueError("must end in .csv or .json")
    return name


FileName = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(_plain_file_name)
]


class SourceSwitches(BaseModel):
    """How the route source behaves for this run; the way to see retries and failures.

    Attributes:
        fail_first: Answer the first N requests of the run with 503.
        gone: Answer with 410, for good.
    """

    model_config = ConfigDict(extra="forbid")

    fail_first: int = Field(default=0, ge=0, le=100)
    gone: bool = False


class PipelineRequest(BaseModel):
    """Body of `POST /pipelines`.

    Attributes:
        run_id: Name of the run. Published rows belong to a run; running it again replaces them.
        flights_file: Name of a file in `ETL_DATA_DIR`, JSON or CSV.
        quality_threshold: Lowest share of good rows that is published; default: the template's.
        source: How the route source behaves.
    """

    model_config = ConfigDict(extra="forbid")

    run_id: Identifier
    flights_file: FileName = "flights-20k.json"
    quality_threshold: float | None = Field(default=None, ge=0, le=1)
    source: SourceSwitches = SourceSwitches()


class Job(PipelineRequest):
    """The task's context: the request and what makes this attempt unique.

    Attributes:
        attempt_id: Unique per task. It keeps the staging rows of two attempts of one run apart,
            and lets the same run be executed again: Tasker refuses a second task with an
            identical context.
    """

    attempt_id: Identifier


class PipelineCreated(BaseModel):
    """Answer to `POST /pipelines`."""

    task_uuid: str
    run_id: str
    attempt_id: str


class ExtractedAirports(BaseModel):
    """Result of `extract_airports`."""

    file: str
    rows: int
    without_state: int


class ExtractedFlights(BaseModel):
    """Result of `extract_flights`."""

    file: str
    rows: int
    bytes: int


class ExtractedRoutes(BaseModel):
    """Result of `extract_routes`; `flights_per_year` is the sum over all routes."""

    rows: int
    pages: int
    flights_per_year: int


class Validated(BaseModel):
    """Result of `validate`."""

    rows: int
    good: int
    quarantined: int
    quality: float
    reasons: dict[str, int]


class Transformed(BaseModel):
    """Result of `transform`; `on_known_routes` flights found their route in the route source."""

    rows: int
    on_known_routes: int
    late: int


class AggregatedPartition(BaseModel):
    """Result of one `aggregate_partition`: rows `start` (inclusive) to `end` (exclusive)."""

    start: int
    end: int
    rows: int
    groups: int


class Figures(BaseModel):
    """Statistics of a group; delays in minutes, distances in miles."""

    flights: int
    late: int
    late_share: float
    mean_delay: float
    delay_min: int
    delay_max: int
    distance_sum: int


class Merged(BaseModel):
    """Result of `merge_aggregates`; `total` is `None` when there was nothing to count."""

    partitions: int
    groups: int
    total: Figures | None


class Loaded(BaseModel):
    """Result of `load`: rows of the run in each published table after the load."""

    flights: int
    statistics: int


class Held(BaseModel):
    """Result of `hold`."""

    reasons: list[str]


class GroupFigures(Figures):
    """Statistics with the key of their group, for example a state."""

    key: str


class Report(BaseModel):
    """The outcome of a run, as `report` stores it and `GET /reports/{run_id}` returns it.

    Attributes:
        held_because: Reasons, when the run was held.
        total: Statistics over all flights; `None` when the run was held.
        by_month: All months; empty when the run was held, like the following ones.
        by_haul: All classes of distance.
        busiest_states: States of origin with the most flights.
        latest_airports: Airports of origin with the largest share of late flights, among those
            with at least 100 flights.
    """

    run_id: str
    attempt_id: str
    outcome: Literal["published", "held"]
    flights_file: str
    rows: int
    good: int
    quality: float
    quarantined: dict[str, int]
    held_because: list[str] = []
    total: Figures | None = None
    by_month: list[GroupFigures] = []
    by_haul: list[GroupFigures] = []
    busiest_states: list[GroupFigures] = []
    latest_airports: list[GroupFigures] = []


class ReportSummary(BaseModel):
    """Result of the step `report`."""

    run_id: str
    outcome: Literal["published", "held"]
    flights: int


class RunRows(BaseModel):
    """Answer to `GET /runs/{run_id}/rows`: how many rows each table has for a run."""

    run_id: str
    attempts: int
    staged: dict[str, int]
    published: dict[str, int]
    last_attempt_at: datetime | None
