"""US domestic flights: an example data pipeline with FastAPI and Tasker."""
