/** Programs that must not start. */

import { expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { PATIENCE } from '../support/until.ts';

setDefaultTimeout(PATIENCE);

const NOBODY = 'postgresql://app:Vq7-long-one@127.0.0.1:1/app';

async function run(program: string, variables: Record<string, string>) {
  const child = Bun.spawn([process.execPath, '--no-env-file', `src/${program}.ts`], {
    cwd: join(import.meta.dir, '../..'),
    env: { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: '0', APP_DATABASE_URL: NOBODY, ...variables },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: PATIENCE / 2,
  });
  const texts = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const code = await child.exited;
  const [out, errors] = await texts;
  return { code, out, errors };
}

test.each(['web', 'relay', 'worker', 'migrate'])('%s refuses an example secret in production', async (program) => {
  const { code, out, errors } = await run(program, { APP_ENV: 'production' });
  expect([code, out]).toEqual([1, '']);
  expect(errors).toMatch(/^error: JWT_SECRET has its example value, which APP_ENV=production refuses.*\n$/);
});

test('a worker without a database says so', async () => {
  const { code, out } = await run('worker', { DATABASE_URL: NOBODY });
  expect(code).toBe(1);
  const { level, message } = JSON.parse(out.trim().split('\n').at(-1) ?? '');
  expect(level).toBe('fatal');
  expect(message).toBeString();
});

test('migrations without a database end with one line', async () => {
  const { code, errors } = await run('migrate', {});
  expect([code, errors.trim().split('\n').length]).toEqual([1, 1]);
  expect(errors).toStartWith('error: ');
});
