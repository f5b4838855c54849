"""Creates the tasks. The rows that they are about have been committed before."""

from __future__ import annotations

import logging
from uuid import UUID

from tasker_contrib_fastapi import TaskerClient

from app.handlers.shared import Job
from app.logs import request_id

logger = logging.getLogger(__name__)

NAMESPACE = "intake"
VERSION = "1.0.0"


async def create_after_commit(client: TaskerClient, template: str, document_id: UUID) -> UUID:
    """Create the task of this template for a document, or find the one that there is.

    If this fails, the rows stay and the caller hears of it; the same request again gets here again.
    """
    task = await client.create_task(
        template,
        Job(document_id=document_id),
        namespace=NAMESPACE,
        version=VERSION,
        idempotent=True,
        correlation_id=request_id.get(),
    )
    # The one line that has both ids: what Core calls a correlation id differs from step to step.
    logger.info("task of document %s", document_id, extra={"task_uuid": task.task_uuid})
    return UUID(str(task.task_uuid))
