"""The application whose metrics the proof scrapes."""

import tasker_contrib_fastapi as tasker
from fastapi import FastAPI

app = FastAPI(lifespan=tasker.lifespan())
app.include_router(tasker.router())
