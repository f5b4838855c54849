"""The event loop of the handlers, when the process has none for them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading

logger = logging.getLogger("tasker_contrib.dispatcher")


class LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self.loop.run_forever, name="tasker-loop", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Cancel what runs on it, and end it. One that a handler blocks is left alone."""
        future = asyncio.run_coroutine_threadsafe(_cancel_all(), self.loop)
        try:
            future.result(timeout=2)
        except (concurrent.futures.TimeoutError, concurrent.futures.CancelledError):
            logger.warning("the event loop of the handlers does not end: a handler blocks it")
            return
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout=2)
        if not self._thread.is_alive():
            self.loop.close()


async def _cancel_all() -> None:
    """Cancel every task of this loop and let it end."""
    current = asyncio.current_task()
    tasks = [task for task in asyncio.all_tasks() if task is not current]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=1)
