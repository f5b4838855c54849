/** The commands of a deployment. */

import { expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { PASSWORD } from '../support/app.ts';
import { stack } from '../support/stack.ts';
import { PATIENCE } from '../support/until.ts';

setDefaultTimeout(3 * PATIENCE);

async function run(stdin: string, ...command: string[]) {
  const { environment } = await stack();
  const child = Bun.spawn([process.execPath, '--no-env-file', ...command], {
    cwd: join(import.meta.dir, '../..'),
    env: environment,
    stdin: new Blob([stdin]),
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: PATIENCE,
  });
  const texts = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const code = await child.exited;
  const [out, errors] = await texts;
  return { code, out, errors };
}

test('migrations that have been run are not run again', async () => {
  expect(await run('', 'src/migrate.ts')).toEqual({ code: 0, out: 'up to date\n', errors: '' });
});

test('somebody is added once', async () => {
  const email = `${crypto.randomUUID()}@example.org`;
  const add = () => run(`${PASSWORD}\n`, 'src/add-user.ts', email, '--reviewer');
  expect(await add()).toEqual({ code: 0, out: `added ${email}\n`, errors: '' });
  expect(await add()).toEqual({ code: 1, out: '', errors: `error: there is a user ${email} already\n` });
});
