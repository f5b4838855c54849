"""Joining a valid flight with its airports and its route, and deriving what the report needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from app.pipeline.records import Airport, EnrichedFlight, Flight

# The US Department of Transportation counts a flight as late from this many minutes on.
LATE_FROM_MINUTES = 15
SHORT_HAUL_BELOW_MILES = 500
LONG_HAUL_FROM_MILES = 1500


def haul(distance_miles: int) -> str:
    """Classify a distance.

    Example:
        >>> haul(499), haul(500), haul(1500)
        ('short', 'medium', 'long')
    """
    if distance_miles < SHORT_HAUL_BELOW_MILES:
        return "short"
    return "long" if distance_miles >= LONG_HAUL_FROM_MILES else "medium"


def enrich(
    flights: Iterable[Flight],
    airports: Mapping[str, Airport],
    routes: Mapping[tuple[str, str], int],
) -> Iterator[EnrichedFlight]:
    """Join flights with airports and routes.

    Args:
        flights: Valid flights, so that both airports are known and have a state.
        airports: The airport register by code.
        routes: Flights per year by (origin, destination); a flight on a route that is not in
            there is kept, without that figure.
    """
    for flight in flights:
        yield EnrichedFlight(
            flight=flight,
            origin_state=airports[flight.origin].state or "",
            destination_state=airports[flight.destination].state or "",
            month=flight.departed_at.strftime("%Y-%m"),
            haul=haul(flight.distance_miles),
            late=flight.delay_minutes >= LATE_FROM_MINUTES,
            flights_per_year=routes.get((flight.origin, flight.destination)),
        )
