"""Private parts; import from `tasker_contrib_fastapi` instead."""
