"""Step handlers."""
