"""The records that flow through the pipeline, from raw row to enriched flight."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Airport:
    """One row of the airport register.

    Attributes:
        iata: Location code, for example `"LAX"`; unique in the register.
        state: Two-letter state or territory, or `None` where the register says `NA`.
        latitude: Degrees north.
        longitude: Degrees east (negative in the US).
    """

    iata: str
    name: str
    city: str
    state: str | None
    country: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class RawFlight:
    """A flight as it stands in the input file: text, not yet trusted.

    Attributes:
        row_number: Position in the file, from 1.
    """

    row_number: int
    date: str | None
    delay: str | None
    distance: str | None
    origin: str | None
    destination: str | None


@dataclass(frozen=True, slots=True)
class Flight:
    """A flight that passed every check.

    Attributes:
        departed_at: Scheduled departure, local time of the origin (the source has no zone).
        delay_minutes: Arrival delay; negative when early.
        distance_miles: Reported distance in statute miles.
    """

    row_number: int
    departed_at: datetime
    origin: str
    destination: str
    delay_minutes: int
    distance_miles: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """A flight that failed a check and went into quarantine.

    Attributes:
        reason: Short code, one of `app.pipeline.validate.REASONS`.
        detail: The value that failed and what was expected, for a person to read.
    """

    row: RawFlight
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Route:
    """Yearly traffic between two airports, from the paginated source."""

    origin: str
    destination: str
    flights_per_year: int


@dataclass(frozen=True, slots=True)
class EnrichedFlight:
    """A valid flight joined with its airports and its route.

    Attributes:
        month: First day of the month as text, for example `"2001-02"`.
        haul: `"short"`, `"medium"` or `"long"`, by distance.
        late: Whether the flight counts as late: 15 minutes or more.
        flights_per_year: Traffic of the route, `None` when the route source does not know it.
    """

    flight: Flight
    origin_state: str
    destination_state: str
    month: str
    haul: str
    late: bool
    flights_per_year: int | None
