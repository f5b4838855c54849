/** What every program begins and ends with. */

import { format } from 'node:util';
import { logger } from './logs.ts';
import { readSettings, type Settings, SettingsError } from './settings.ts';

/** Read the settings of this process; a wrong one ends it. */
export function loadSettings(): Settings {
  try {
    return readSettings(process.env);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    console.error(`error: ${error.message}`);
    process.exit(1);
  }
}

/** Set the level, and make what packages write to the console JSON as well. */
export function configureLogs(level: string): void {
  logger.level = level;
  for (const name of ['debug', 'info', 'warn', 'error'] as const) {
    console[name] = (...args: unknown[]) => logger[name](format(...args));
  }
  console.log = console.info;
}

/** After SIGTERM or SIGINT call what is given one after the other, then end with 0. A second signal ends the process at once. */
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
