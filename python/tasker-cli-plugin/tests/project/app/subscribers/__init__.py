"""Subscribers of domain events."""
