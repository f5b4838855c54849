import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnOnDouble } from '../support/spawn.ts';
import { until } from '../support/until.ts';

// Tests must pass on a loaded machine.
setDefaultTimeout(60_000);

const root = join(import.meta.dir, '../..');
// Inside of the package, so that the handlers find it.
const project = mkdtempSync(join(root, 'tests/fixtures/worker-'));
afterAll(() => rmSync(project, { recursive: true, force: true }));
mkdirSync(join(project, 'src/handlers'), { recursive: true });
mkdirSync(join(project, 'config/tasks'), { recursive: true });
writeFileSync(
  join(project, 'src/handlers/price.ts'),
  "import { defineStep } from '../../../../../src/index.ts';\nexport const price = defineStep('shop.price', {}, () => ({ cents: 1 }));\n",
);
writeFileSync(
  join(project, 'config/tasks/order.yaml'),
  'name: order\nnamespace_name: shop\nversion: "1.0.0"\nsteps:\n  - name: price\n    handler: { callable: shop.price }\n    timeout_seconds: 60\n',
);

const worker = (args: string[], env: Record<string, string> = {}) =>
  spawnOnDouble([join(root, 'src/cli/main.ts'), 'worker', ...args], { cwd: project, scratch: project, env });

describe('worker', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'runs the handlers, serves its health, and ends with 0 on %s',
    async (signal) => {
      const { child, said } = worker(['--port', '0']);
      const url = await until('it serves', () => said().match(/at (http:\S+)/)?.[1]);
      expect(said()).toContain('tasker: worker (');
      expect(await (await fetch(`${url}/tasker/live`)).json()).toEqual({ status: 'alive' });
      child.kill(signal);
      expect(await child.exited).toBe(0);
      expect(said()).toContain('tasker: stopped');
    },
  );

  const refusals: { what: string; args: (port: number) => string[]; env?: Record<string, string>; message: string }[] =
    [
      { what: 'a port that is taken', args: (port) => ['--port', `${port}`], message: 'is taken by another process' },
      { what: 'a folder that is not there', args: () => ['--port', '0', '--handlers', 'none'], message: 'none' },
      {
        what: 'settings that Core would die of',
        args: () => ['--port', '0'],
        env: { DATABASE_URL: 'mysql://x' },
        message: 'DATABASE_URL',
      },
    ];
  test.each(refusals)('$what ends it with one message and not with 0', async ({ args, env, message }) => {
    const other = Bun.serve({ port: 0, fetch: () => new Response('') });
    try {
      const { child, errors } = worker(args(other.port ?? 0), env);
      expect(await child.exited).toBe(1);
      expect(errors()).toStartWith('error: ');
      expect(errors()).toContain(message);
      expect(errors()).not.toMatch(/^ +at /m);
    } finally {
      await other.stop(true);
    }
  });
});
