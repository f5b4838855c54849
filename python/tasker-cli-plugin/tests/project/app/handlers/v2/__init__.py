"""Step handlers of a second package."""
