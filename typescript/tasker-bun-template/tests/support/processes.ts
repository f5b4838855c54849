/** Programs of the application, each in a process of its own as in production. */

import { join } from 'node:path';
import { PATIENCE, until } from './until.ts';

const ROOT = join(import.meta.dir, '../..');
const running = new Set<Bun.Subprocess>();

/** Ends those that failed tests have left; `preload.ts` calls it after the last test. */
export function killProcesses(): void {
  for (const child of running) child.kill('SIGKILL');
}

export interface Process {
  url: string;
  /** Everything that it has written, parsed. */
  lines(): Record<string, unknown>[];
  /** SIGTERM; the exit code. */
  stop(): Promise<number>;
}

/** Start a program, and wait until it is ready. */
export async function start(
  program: string,
  environment: Record<string, string>,
  flags: string[] = [],
): Promise<Process> {
  let text = '';
  const child = Bun.spawn([process.execPath, '--no-env-file', ...flags, `src/${program}.ts`], {
    cwd: ROOT,
    env: environment,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
    timeout: 5 * PATIENCE,
  });
  running.add(child);
  const reading = (async () => {
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream() as never)) text += chunk;
  })();
  const alive = () => {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}: ${text}`);
  };
  const url = await until(`${program} listens`, () => {
    alive();
    return text.match(/ at (http:\S+) after/)?.[1];
  });
  await until(`${program} is ready`, async () => {
    alive();
    return (await fetch(`${url}/tasker/ready`)).ok;
  });
  return {
    url,
    lines: () =>
      text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line)),
    async stop() {
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
      const code = await child.exited;
      clearTimeout(killer);
      running.delete(child);
      await reading;
      return code;
    },
  };
}
