/** The package as it is published, and projects made with it outside of this repository. A preload, so that it is removed after the last test. */

import { afterAll } from 'bun:test';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const ROOT = join(import.meta.dir, '..');
export const TEMPLATE = join(ROOT, '../tasker-bun-template');
const PACKAGE = join(ROOT, '../tasker-contrib-bun');
/** What a busy machine may need. */
export const PATIENCE = 180_000;

const scratch = mkdtempSync(join(tmpdir(), 'create-tasker-bun-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** An empty folder. */
export const emptyFolder = () => mkdtempSync(join(scratch, 'empty-'));

/** Run a command with hardly any environment. */
export async function run(cwd: string, ...command: string[]) {
  const child = Bun.spawn(command, {
    cwd,
    env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: scratch },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: PATIENCE,
  });
  const texts = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const code = await child.exited;
  const [out, errors] = await texts;
  return { code, out, errors };
}

/** As {@link run}, for what must succeed. */
export async function succeed(cwd: string, ...command: string[]): Promise<string> {
  const { code, out, errors } = await run(cwd, ...command);
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}:\n${out}${errors}`);
  return out;
}

const dist = join(scratch, 'dist');
await succeed(ROOT, process.execPath, 'scripts/build.ts', dist);

/** `bun create tasker-bun …` */
export const create = (cwd: string, ...args: string[]) => run(cwd, process.execPath, join(dist, 'main.js'), ...args);

/** The packages of the template, and tasker-contrib-bun as it is built. */
export async function install(project: string): Promise<void> {
  const modules = join(project, 'node_modules');
  mkdirSync(modules);
  for (const name of readdirSync(join(TEMPLATE, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(TEMPLATE, 'node_modules', name), join(modules, name));
  }
  const built = join(modules, 'tasker-contrib-bun');
  const tsc = join(PACKAGE, 'node_modules/.bin/tsc');
  // Its own lint checks the types.
  await succeed(PACKAGE, tsc, '--project', 'tsconfig.build.json', '--noCheck', '--outDir', join(built, 'dist'));
  cpSync(join(PACKAGE, 'package.json'), join(built, 'package.json'));
}
