/** Processes of their own, on the double of Core's package. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { databaseUrl } from './database.ts';

const root = join(import.meta.dir, '../..');

/** A program of this package's tests in a process of its own: no environment but this one, output in files of a scratch folder. */
export function spawnOnDouble(
  program: string[],
  {
    cwd = root,
    scratch,
    flags = [],
    env,
  }: { cwd?: string; scratch: string; flags?: string[]; env: Record<string, string> },
) {
  const log = join(scratch, `${crypto.randomUUID()}.log`);
  const preload = ['--preload', join(root, 'tests/double/install.ts')];
  const child = Bun.spawn([process.execPath, ...flags, ...preload, ...program], {
    cwd,
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: databaseUrl,
      TASKER_ORCHESTRATION_URL: 'http://127.0.0.1:1',
      TASKER_DRAIN_TIMEOUT: '0.05',
      ...env,
    },
    stdin: 'ignore',
    stdout: Bun.file(log),
    stderr: Bun.file(`${log}.err`),
  });
  const text = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  return { child, said: () => text(log), errors: () => text(`${log}.err`) };
}
