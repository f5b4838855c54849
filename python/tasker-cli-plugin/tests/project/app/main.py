"""The application whose worker runs generated workflows on a real server."""

import tasker_contrib_fastapi as tasker
from fastapi import FastAPI

app = FastAPI(lifespan=tasker.lifespan())
