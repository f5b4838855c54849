"""Distances on the globe."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

from app.pipeline.records import Airport

EARTH_RADIUS_MILES = 3958.8


def great_circle_miles(origin: Airport, destination: Airport) -> float:
    """Return the great-circle distance between two airports in statute miles.

    Example:
        >>> def at(latitude, longitude):
        ...     return Airport("", "", "", None, "USA", latitude, longitude)
        >>> round(great_circle_miles(at(33.94, -118.41), at(40.64, -73.78)))
        2470
    """
    latitude_1, latitude_2 = radians(origin.latitude), radians(destination.latitude)
    half_north = (latitude_2 - latitude_1) / 2
    half_east = radians(destination.longitude - origin.longitude) / 2
    chord = sin(half_north) ** 2 + cos(latitude_1) * cos(latitude_2) * sin(half_east) ** 2
    return 2 * EARTH_RADIUS_MILES * asin(sqrt(chord))
