/** The end of a process: after SIGTERM or SIGINT things stop in order, the database last. */

import { logger } from './logs.ts';

/** Call what is given one after the other, then end with 0. A second signal ends the process at once. */
export function stopOnSignal(...steps: (() => Promise<unknown>)[]): void {
  const stop = async () => {
    let code = 0;
    for (const step of steps) {
      await step().catch((error) => {
        logger.error({ err: error }, 'the stop goes on without this');
        code = 1;
      });
    }
    process.exit(code);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
}

/** A start that fails ends the process with a line that says why. */
export async function started<T extends { start(): Promise<unknown> }>(server: T): Promise<T> {
  try {
    await server.start();
    return server;
  } catch (error) {
    logger.fatal(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
}
