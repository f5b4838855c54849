/** SIGTERM and SIGINT of a process that serves. */

import { constants } from 'node:os';

/**
 * Stop at the first signal, then end the process with 0. At the second one it ends at once: who asks again does not want to
 * wait for the drain. If the signal has other listeners, they decide when it ends.
 *
 * @returns a function that removes the listeners.
 */
export function stopOnSignals(stop: () => Promise<unknown>): () => void {
  let received = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    const alone = process.listenerCount(signal) === 1;
    const exit = (code: number) => alone && process.exit(code);
    if (++received > 1) exit(128 + constants.signals[signal]);
    stop().then(
      () => exit(0),
      (error) => {
        console.error(`tasker: the stop failed: ${error instanceof Error ? error.message : error}`);
        exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  return () => process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
}
