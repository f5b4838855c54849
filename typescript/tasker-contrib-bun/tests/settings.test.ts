import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import fc from 'fast-check';
import { connectionUrl, workerName } from '../src/connection.ts';
import { CONFIG_KEYS, OPTIONAL_SECTIONS } from '../src/contract.ts';
import { TaskerConfigError } from '../src/errors.ts';
import { decideMode, resolveSettings } from '../src/settings.ts';
import { workerToml } from '../src/worker-toml.ts';

// Tests must pass on a loaded machine.
setDefaultTimeout(60_000);

const url = 'postgresql://app:secret@db:5432/app';

function problems(options: object, env: Record<string, string> = {}): string {
  try {
    resolveSettings(options, env);
  } catch (error) {
    expect(error).toBeInstanceOf(TaskerConfigError);
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
}

const lookup = (table: any, path: string) => path.split('.').reduce((inner, key) => inner?.[key], table);

describe('sources', () => {
  test('options win over variables, TASKER_ ones over plain ones', () => {
    const env = { DATABASE_URL: 'postgresql://a:b@h/one', TASKER_DATABASE__URL: 'postgresql://a:b@h/two' };
    expect(resolveSettings({}, env).core.get('common.database.url')).toBe('postgresql://a:b@h/two');
    expect(resolveSettings({ database: { url } }, env).core.get('common.database.url')).toBe(url);
    const settings = resolveSettings({}, { TASKER_WORKER__CONCURRENCY: '7', TASKER_ORCHESTRATION_URL: 'http://t:1' });
    expect([settings.concurrency, settings.orchestration.url]).toEqual([7, 'http://t:1']);
  });

  test('defaults need no environment', () => {
    const settings = resolveSettings({}, {});
    expect([settings.mode, settings.templates, settings.drainTimeout]).toEqual(['auto', 'config/tasks', 30]);
    expect(settings.databaseConfigured).toBe(false);
  });
});

describe('refusals', () => {
  test('all problems come at once, each with source, value and fix', () => {
    const message = problems(
      { worker: { concurency: 3 }, mode: 'werker', core: { 'common.databse.url': 1 }, database: { poolSize: 0 } },
      { TASKER_DATABASE__POOL_SIZ: '3', TASKER_DATABASE__CONNECT_TIMEOUT: 'soon' },
    );
    expect(message).toContain('unknown option worker.concurency (did you mean worker.concurrency?)');
    expect(message).toContain('mode = "werker" must be one of auto, worker, client (did you mean worker?)');
    expect(message).toContain("unknown key of Core core['common.databse.url'] (did you mean common.database.url?)");
    expect(message).toContain('database.poolSize = 0 must be 1 to 1000');
    expect(message).toContain('TASKER_DATABASE__POOL_SIZ (did you mean TASKER_DATABASE__POOL_SIZE?)');
    expect(message).toContain('TASKER_DATABASE__CONNECT_TIMEOUT = "soon" must be a number');
  });

  test('a database URL that would abort Core is refused, without its password', () => {
    const message = problems({}, { TASKER_DATABASE__URL: 'postgres://app:secret@db/app' });
    expect(message).toContain('TASKER_DATABASE__URL = "postgres://app:***@db/app" must look like');
    expect(message).toContain("begin it with 'postgresql://'");
    expect(message).not.toContain('secret');
  });
});

test("the app's own DATABASE_URL is only a worker's problem", () => {
  const settings = resolveSettings({ mode: 'client' }, { DATABASE_URL: 'postgres://app:secret@db/app' });
  expect(settings.workerProblems).toEqual([
    expect.stringMatching(
      /^DATABASE_URL = "postgres:\/\/app:\*\*\*@db\/app" must look like .*begin it with 'postgresql:\/\/'/,
    ),
  ]);
  expect(settings.databaseConfigured).toBe(true);
});

describe('the file', () => {
  test('is complete, polls, and serves nothing of its own', () => {
    const table = Bun.TOML.parse(workerToml(resolveSettings({ database: { url } }, {})));
    for (const [path, key] of Object.entries(CONFIG_KEYS)) {
      const optional = Object.keys(OPTIONAL_SECTIONS).find((section) => path.startsWith(`${section}.`));
      if (path.startsWith('orchestration.') || (optional && optional !== 'worker.orchestration_client')) {
        expect([path, lookup(table, path)]).toEqual([path, undefined]);
      } else expect([path, typeof lookup(table, path)]).toEqual([path, typeof key.default]);
    }
    expect(lookup(table, 'worker.event_systems.worker.deployment_mode')).toBe('PollingOnly');
  });

  test('any text arrives as it is, and no placeholder does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const core = { 'common.queues.worker_namespace': text };
        const toml = workerToml(resolveSettings({ core }, {}));
        expect(toml).not.toContain('$');
        expect(lookup(Bun.TOML.parse(toml), 'common.queues.worker_namespace')).toBe(text);
      }),
    );
  });

  test('its database notices which worker has gone', async () => {
    const url = (given: string) =>
      (Bun.TOML.parse(workerToml(resolveSettings({ database: { url: given } }, {}))) as any).common.database.url;
    const cases = await Bun.file(`${import.meta.dir}/../../../xtask/contract/connection-cases/urls.json`).json();
    expect(cases.length).toBeGreaterThan(3);
    for (const { url, rendered } of cases) expect(connectionUrl(url, 'n')).toBe(rendered.replace('{name}', 'n'));
    expect(url('postgresql://a:b@h/x')).toContain('?application_name=tkw:bun:');
    expect(url('postgresql://a:b@h/x')).not.toBe(url('postgresql://a:b@h/x'));
    const name = workerName('a b:c&d'.padEnd(80, 'x'));
    expect(name).toMatch(/^tkw:bun:abcdx+:\d+:[0-9a-f]{8}$/);
    expect(name.length).toBeLessThanOrEqual(63);
  });

  test('credentials go to the client section', () => {
    const toml = workerToml(resolveSettings({ orchestration: { token: 'abc' } }, {}));
    expect(lookup(Bun.TOML.parse(toml), 'worker.orchestration_client.auth')).toEqual({ type: 'bearer', token: 'abc' });
  });
});

test('the mode is one decision with a reason', () => {
  const decide = (options: object, testing: boolean, hasTemplates: boolean) =>
    decideMode(resolveSettings(options, {}), { testing, hasTemplates });
  expect(decide({ mode: 'client', database: { url } }, false, true).mode).toBe('client');
  expect(decide({ mode: 'worker' }, true, false)).toEqual({ mode: 'worker', reason: "mode is 'worker'" });
  expect(decide({ database: { url } }, true, true).reason).toContain('bun test');
  expect(decide({}, false, true).reason).toContain('DATABASE_URL');
  expect(decide({ database: { url } }, false, false).reason).toContain('config/tasks does not exist');
  expect(decide({ database: { url } }, false, true).mode).toBe('worker');
});
