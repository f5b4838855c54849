import { afterAll, afterEach, beforeEach, describe, expect, setDefaultTimeout, spyOn, test } from 'bun:test';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Elysia } from 'elysia';
import { Hono } from 'hono';
import { tasker as elysiaTasker } from '../src/elysia.ts';
import { tasker as honoTasker } from '../src/hono.ts';
import { defineStep, TaskerServer, type TaskerServerOptions } from '../src/index.ts';
import { control } from './double/core.ts';
import { claimed } from './double/steps.ts';
import { databaseUrl } from './support/database.ts';
import { spawnOnDouble } from './support/spawn.ts';
import { stack } from './support/stack.ts';
import { until } from './support/until.ts';

// Tests must pass on a loaded machine.
setDefaultTimeout(60_000);

const root = join(import.meta.dir, '..');
const scratch = mkdtempSync(join(tmpdir(), 'tasker-test-'));
const price = defineStep('shop.price', {}, () => ({ cents: 1 }));
const pack = defineStep('shop.pack', {}, () => ({}));
const opened: TaskerServer[] = [];

function server(options: TaskerServerOptions = {}): TaskerServer {
  const made = new TaskerServer({
    mode: 'worker',
    handlers: [price, pack],
    templates: join(root, 'tests/fixtures/tasks'),
    port: 0,
    signals: false,
    drainTimeout: 0,
    database: { url: databaseUrl },
    orchestration: { url: 'http://127.0.0.1:1' },
    ...options,
  });
  opened.push(made);
  return made;
}

async function refusal(made: TaskerServer): Promise<string> {
  return made.start().then(
    () => 'it started',
    (error: Error) => error.message,
  );
}

beforeEach(() => {
  for (const list of [control.queue, control.completions, control.boots, control.calls]) list.length = 0;
  spyOn(console, 'info').mockImplementation(() => {});
});
afterEach(async () => {
  control.failBoot = undefined;
  control.failStop = undefined;
  for (const made of opened.splice(0)) await made.stop(0);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('start', () => {
  test('boots Core once with a private file that is gone afterwards, whatever Bun keeps from it', async () => {
    const before = { ...process.env };
    const made = server({ logLevel: 'error' });
    expect(await made.start()).toBe(await made.start());
    expect(control.boots.length).toBe(1);
    expect(control.boots[0]).toMatchObject({ templates: join(root, 'tests/fixtures/tasks'), logLevel: 'error' });
    expect(process.env).toEqual(before);
    control.queue.push(claimed({ callable: 'shop.price' }));
    await until('the step', () => control.completions.length);
  });

  test('templates and handlers are compared before Core is touched', async () => {
    expect(await refusal(server({ handlers: [price] }))).toContain("no handler 'shop.pack' is registered");
    expect(await refusal(server({ handlers: [price, { name: 'x' } as never] }))).toContain(
      'handlers[1] is not a handler',
    );
    expect(control.boots.length).toBe(0);
  });

  test('a handler that no template uses is a warning with the line that would use it', async () => {
    const warn = spyOn(console, 'warn').mockImplementation(() => {});
    const made = await server({ handlers: [price, pack, defineStep('shop.new', {}, () => ({}))] }).start();
    const lines = warn.mock.calls.flat();
    warn.mockRestore();
    expect(made.state).toBe('running');
    expect(lines).toEqual([
      "tasker: warning: no task template uses handler 'shop.new'; a step uses it with `handler: {callable: shop.new}`",
    ]);
  });

  test('an error in a template is the only thing that is said', async () => {
    const folder = join(scratch, 'broken-templates');
    cpSync(join(root, 'tests/fixtures/tasks'), folder, { recursive: true });
    const file = join(folder, 'ship.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('shop.price', 'shop.prise'));
    const warn = spyOn(console, 'warn').mockImplementation(() => {});
    expect(await refusal(server({ templates: folder }))).toBe(
      `${file}: step 'price': no handler 'shop.prise' is registered (did you mean shop.price?)`,
    );
    writeFileSync(file, 'steps: [');
    expect(await refusal(server({ templates: folder }))).toStartWith(`${file}: is not valid YAML: `);
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  test('decisions are checked against the templates of the worker', async () => {
    const folder = join(scratch, 'decision');
    mkdirSync(folder);
    const steps = [
      { name: 'shop.price', handler: { callable: 'shop.price' } },
      { name: 'shop.pack', type: 'decision', dependencies: ['shop.price'], handler: { callable: 'shop.pack' } },
    ];
    const ship = { name: 'ship', namespace_name: 'shop', version: '1.0.0', steps };
    writeFileSync(join(folder, 'ship.yaml'), JSON.stringify(ship));
    await server({ templates: folder }).start();
    control.queue.push(claimed({ callable: 'shop.pack' }));
    await until('the step', () => control.completions.length);
    expect(control.completions[0]?.result.error.message).toContain("decision 'shop.pack' must return route");
  });

  test('a database that is not there fails the start at once, and says where and what to do', async () => {
    const url = 'postgresql://a:secret@127.0.0.1:1/x';
    const begun = performance.now();
    const message = await refusal(server({ database: { url } }));
    expect(performance.now() - begun).toBeLessThan(4000);
    expect(message).toBe(
      'no database: connection refused at 127.0.0.1:1 (from database.url); start PostgreSQL there, or correct the URL; ' +
        'on your own machine `tasker-dev up` starts one and prints its DATABASE_URL',
    );
    expect(control.boots.length).toBe(0);
  });

  test('handlers come from a folder, and what cannot be imported is named', async () => {
    const folder = join(scratch, 'handlers');
    cpSync(join(root, 'src/steps.ts'), join(folder, '_steps.ts'));
    const text = `import { defineStep } from './_steps.ts';\nexport const one = defineStep('shop.price', {}, () => ({}));`;
    writeFileSync(join(folder, 'price.ts'), text);
    expect(await refusal(server({ handlers: folder }))).toContain("no handler 'shop.pack'");
    writeFileSync(join(folder, 'broken.ts'), "throw new Error('at import');");
    // Alone: which handlers the file has is not known.
    expect(await refusal(server({ handlers: folder }))).toBe(`${folder}/broken.ts: cannot be imported: at import`);
  });

  test('a worker that cannot boot fails the server', async () => {
    control.failBoot = 'Failed to create pool';
    const made = server();
    expect(await refusal(made)).toContain('Failed to create pool');
    expect([made.state, made.url]).toEqual(['new', '']);
  });

  test('a start that failed can be tried again', async () => {
    control.failBoot = 'Failed to create pool';
    const made = server();
    expect(await refusal(made)).toContain('Failed to create pool');
    control.failBoot = undefined;
    await made.start();
    expect(made.state).toBe('running');
    expect((await fetch(`${made.url}/tasker/live`)).status).toBe(200);
  });

  test('a taken port fails the start and stops the worker', async () => {
    const taken = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() });
    expect(await refusal(server({ port: taken.port as number }))).toContain(`port ${taken.port} of 127.0.0.1 is taken`);
    expect(control.running).toBe(false);
    taken.stop();
  });

  test('a second server with other options is an error', async () => {
    await server().start();
    expect(await refusal(server({ worker: { concurrency: 3 } }))).toContain('with other options');
  });

  test.each(['a list', 'an object'])(
    'a handler that %s gets after the start fails its steps for now, and says why',
    async (kind) => {
      const late = defineStep('shop.late', {}, () => ({}));
      const list = [price, pack];
      const object: Record<string, unknown> = { price, pack };
      const made = await server({ handlers: kind === 'a list' ? list : object }).start();
      list.push(late);
      object.late = late;
      control.queue.push(claimed({ callable: 'shop.late' }), claimed({ callable: 'shop.never' }));
      await until('the answers', () => control.completions.length === 2);
      const [early, never] = control.completions.map(({ result }) => result.error);
      expect(early).toMatchObject({ retryable: true });
      expect(early.message).toContain("handler 'shop.late' was added after the start");
      expect(never).toMatchObject({ retryable: false });
      expect(made.state).toBe('running');
    },
  );

  test('a client never loads the native module', async () => {
    const made = server({ mode: 'client' });
    await made.start();
    expect(control.boots.length).toBe(0);
  });
});

test("a client does not mind the app's own DATABASE_URL, and a worker does", () => {
  const saved = process.env.DATABASE_URL;
  process.env.DATABASE_URL = 'postgres://app:secret@db/app';
  try {
    expect(server({ mode: 'client', database: {} }).mode).toBe('client');
    expect(() => server({ database: {} })).toThrow('DATABASE_URL = "postgres://app:***@db/app" must look like');
  } finally {
    if (saved === undefined) delete process.env.DATABASE_URL;
    else process.env.DATABASE_URL = saved;
  }
});

describe('stop', () => {
  test('claims no more steps before it waits for the running ones', async () => {
    const gate = Promise.withResolvers<void>();
    const made = await server({ handlers: [defineStep('shop.price', {}, () => gate.promise), pack] }).start();
    control.queue.push(claimed({ callable: 'shop.price' }));
    await until('claimed', () => control.pending.size);
    const stopping = made.stop(5);
    expect([control.calls, control.completions.length]).toEqual([['transitionToGracefulShutdown'], 0]);
    gate.resolve();
    expect((await stopping).cut).toEqual([]);
    expect(control.calls).toEqual(['transitionToGracefulShutdown', 'stopWorker']);
  });

  test('goes on when Core fails at it', async () => {
    const error = spyOn(console, 'error').mockImplementation(() => {});
    const made = await server().start();
    control.failStop = 'the pool is gone';
    const report = await made.stop(5);
    control.failStop = undefined;
    expect(error.mock.calls.flat().join()).toContain('the pool is gone');
    error.mockRestore();
    expect([report.cut, made.state, made.url]).toEqual([[], 'stopped', '']);
    control.running = false;
  });

  test('drains, names what was cut, and is idempotent', async () => {
    const gate = Promise.withResolvers<void>();
    const slow = defineStep('shop.price', {}, () => gate.promise);
    const made = server({ handlers: [slow, pack] });
    await made.start();
    control.queue.push(claimed({ callable: 'shop.price' }));
    await until('claimed', () => control.pending.size);
    expect(await made.drain(0.01)).toBe(false);
    const report = await made.stop(0.01);
    expect(report.cut.map((step) => step.handler)).toEqual(['shop.price']);
    expect(await made.stop()).toBe(report);
    expect(control.calls).toEqual(['transitionToGracefulShutdown', 'stopWorker']);
    gate.resolve();
  });

  test('a step that ends in time is not cut', async () => {
    const made = server({ handlers: [defineStep('shop.price', {}, () => Bun.sleep(20)), pack] });
    await made.start();
    control.queue.push(claimed({ callable: 'shop.price' }));
    await until('claimed', () => control.pending.size);
    expect((await made.stop(5)).cut).toEqual([]);
    expect(control.completions[0]?.result.success).toBe(true);
  });
});

describe('routes', () => {
  test('ready on the real stack, and not while it drains', async () => {
    const { databaseUrl, orchestrationUrl } = await stack();
    const made = await server({ database: { url: databaseUrl }, orchestration: { url: orchestrationUrl } }).start();
    const answer = await fetch(`${made.url}/tasker/ready`);
    const body = (await answer.json()) as { status: string; components: { name: string; status: string }[] };
    expect(body.components.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'worker ok',
      'database ok',
      'orchestration ok',
      'dispatcher ok',
      'templates ok',
    ]);
    expect([answer.status, body.status]).toEqual([200, 'ready']);
    await made.drain(0);
    expect((await fetch(`${made.url}/tasker/ready`)).status).toBe(503);
    expect(await (await fetch(`${made.url}/tasker/metrics`)).text()).toContain('tasker_contrib_worker_draining 1');
  }, 60_000);

  test('what fails is named, and live does not care', async () => {
    const made = await server().start();
    const answer = await fetch(`${made.url}/tasker/ready`);
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain('"name":"orchestration","status":"failed"');
    expect(await (await fetch(`${made.url}/tasker/live`)).json()).toEqual({ status: 'alive' });
    const metrics = await (await fetch(`${made.url}/tasker/metrics`)).text();
    expect(metrics).toContain('tasker_contrib_handlers_in_flight 0');
    // At 0 before anything happened, so that the first one is an increase.
    for (const outcome of ['completed', 'failed', 'retryable', 'timed_out', 'checkpointed', 'cut']) {
      expect(metrics).toContain(`tasker_contrib_handler_executions_total{handler="shop.pack",outcome="${outcome}"} 0`);
    }
  });

  test('the rest is the application', async () => {
    const made = await server({ fetch: (request) => new Response(new URL(request.url).pathname) }).start();
    expect(await (await fetch(`${made.url}/orders`)).text()).toBe('/orders');
    expect((await fetch(`${made.url}/tasker/other`)).status).toBe(200);
  });

  test("routes are the application's, and hide nothing of ours", async () => {
    const routes = {
      '/orders/:id': (request: Bun.BunRequest) => new Response((request.params as { id: string }).id),
      '/*': new Response('everything'),
    };
    const made = await server({ routes }).start();
    expect(await (await fetch(`${made.url}/orders/7`)).text()).toBe('7');
    expect(await (await fetch(`${made.url}/else`)).text()).toBe('everything');
    expect(await (await fetch(`${made.url}/tasker/live`)).json()).toEqual({ status: 'alive' });
    expect(() => server({ routes: { '/tasker/live': new Response() } })).toThrow('/tasker/live would hide');
  });

  test('events stream to every client and end with the server', async () => {
    const made = await server({ eventStream: true }).start();
    const responses = await Promise.all([1, 2].map(() => fetch(`${made.url}/tasker/events?names=step:completed`)));
    control.queue.push(claimed({ callable: 'shop.price' }));
    await until('the step', () => control.completions.length);
    const texts = responses.map((response) => response.text());
    const begun = performance.now();
    await made.stop(0);
    expect(performance.now() - begun).toBeLessThan(9000);
    for (const text of await Promise.all(texts)) {
      expect(text).toContain('event: step:completed\ndata: {"name":"step:completed"');
      expect(text).not.toContain('step:started');
    }
  });

  test('there is no stream of events unless it is asked for, and a function says for whom', async () => {
    const asked: Record<string, { eventStream?: (request: Request) => boolean | Promise<boolean> }> = {
      none: {},
      staff: { eventStream: async (request) => request.headers.get('x-staff') === 'yes' },
      // A value that only looks like a yes.
      sloppy: { eventStream: () => 'no' as unknown as boolean },
    };
    const answers: Record<string, number[]> = {};
    for (const [name, options] of Object.entries(asked)) {
      const made = server({ mode: 'client', ...options });
      answers[name] = await Promise.all(
        ['yes', 'no'].map(async (staff) => {
          const request = new Request('http://localhost/tasker/events', { headers: { 'x-staff': staff } });
          const response = await made.fetch(request);
          await response.body?.cancel();
          return response.status;
        }),
      );
    }
    expect(answers).toEqual({ none: [404, 404], staff: [200, 403], sloppy: [403, 403] });
  });

  test('readiness shows no address and no message of others; the log has them', async () => {
    const log = spyOn(console, 'warn').mockImplementation(() => {});
    const made = server({ mode: 'client' });
    const body = await (await made.fetch(new Request('http://localhost/tasker/ready'))).text();
    expect(body).not.toMatch(/127\.0\.0\.1|http|cause/);
    expect(JSON.stringify(await made.health())).toContain('http://127.0.0.1:1');
    await made.fetch(new Request('http://localhost/tasker/ready'));
    const lines = log.mock.calls.filter(([line]) => String(line).includes('not ready'));
    expect(lines).toEqual([[expect.stringContaining('orchestration: ')]]);
    log.mockRestore();
  });

  test('a silent stream sends comments, so that nobody closes it as idle', async () => {
    const made = server({ mode: 'client' });
    const ending = new AbortController();
    const stream = made.events.sse(new Request('http://localhost/tasker/events'), ending.signal, 5);
    const reader = stream.body?.getReader();
    let text = '';
    while (!text.includes(': alive\n\n: alive')) text += new TextDecoder().decode((await reader?.read())?.value);
    made.events.emit('step:started', { handler: 'a', attempt: 1 });
    while (!text.includes('event: step:started')) text += new TextDecoder().decode((await reader?.read())?.value);
    ending.abort();
    while (!(await reader?.read())?.done);
    expect(text).toStartWith(': open\n\n');
    expect(made.events.listeners).toBe(0);
  });

  test('hono and elysia mount the same', async () => {
    const made = server({ mode: 'client' });
    const hono = new Hono().use(honoTasker(made)).get('/url', (c) => c.text(c.get('tasker').url));
    const elysia = new Elysia().use(elysiaTasker(made)).get('/url', ({ tasker }) => tasker.url);
    for (const app of [
      hono.request.bind(hono),
      (path: string) => elysia.handle(new Request(`http://localhost${path}`)),
    ]) {
      expect(await (await app('/tasker/live')).json()).toEqual({ status: 'alive' });
      expect(await (await app('/url')).text()).toBe('http://127.0.0.1:1');
    }
  });
});

describe('processes', () => {
  function spawn(env: Record<string, string>, ...flags: string[]) {
    const app = spawnOnDouble([env.APP ?? 'tests/apps/worker.ts'], { scratch, flags, env: { PORT: '0', ...env } });
    const ready = () => until('ready', () => app.said().match(/READY (\S+)/)?.[1]);
    return { ...app, ready };
  }

  test('SIGTERM in the middle of a step and with an open stream ends in time and names the cut step', async () => {
    const app = spawn({ STEPS: 'shop.pack,shop.price', GATE: '/nonexistent' });
    const url = await app.ready();
    const stream = await fetch(`${url}/tasker/events`);
    await until('the step runs', () => app.said().includes('STARTED shop.pack'));
    app.child.kill('SIGTERM');
    expect(await app.child.exited).toBe(0);
    expect(app.said()).toMatch(/STOPPED .*"step":"shop.pack"/);
    await stream.text();
  }, 20_000);

  test('an uncaught error of the start is its message alone: no excerpt of the source, no stack, nothing twice', async () => {
    const main = join(scratch, 'main.ts');
    const start = `import { TaskerServer } from '${join(root, 'src/index.ts')}';\nawait new TaskerServer({ mode: 'worker', port: 0 }).start();\n`;
    writeFileSync(main, start);
    const app = spawn({ APP: main, DATABASE_URL: 'postgresql://a:secret@127.0.0.1:1/x', TASKER_TEMPLATE_PATH: 'none' });
    expect(await app.child.exited).toBe(1);
    expect(app.errors().trim().split('\n')).toEqual([
      `TaskerConfigError: templates = "none": there is no such folder in ${root}; create it, or set templates (TASKER_TEMPLATE_PATH)`,
      '',
      expect.stringMatching(/^Bun v/),
    ]);
  }, 20_000);

  test("without Core's package a worker says so in one line", () => {
    const main = join(scratch, 'alone.ts');
    const start = `import { TaskerServer } from '${join(root, 'src/index.ts')}';\nawait new TaskerServer({ mode: 'worker', port: 0, handlers: [{ kind: 'tasker.step', name: 'shop.price' }, { kind: 'tasker.step', name: 'shop.pack' }] }).start();\n`;
    writeFileSync(main, start);
    const env = { PATH: process.env.PATH, TASKER_TEMPLATE_PATH: 'tests/fixtures/tasks', DATABASE_URL: databaseUrl };
    const done = Bun.spawnSync([process.execPath, main], { cwd: root, env });
    expect([done.exitCode, done.stderr.toString().trim().split('\n')]).toEqual([
      1,
      [
        'TaskerStartError: the worker needs the package @tasker-systems/tasker, which is not installed; the README of ' +
          "tasker-contrib-bun says how to get it. To only create tasks, set mode: 'client' (TASKER_MODE=client)",
        '',
        expect.stringMatching(/^Bun v/),
      ],
    ]);
  }, 20_000);

  test('a failed boot exits with 1 and one message', async () => {
    const app = spawn({ TASKER_WORKER__CONCURRENCY: '0', DATABASE_URL: 'mysql://x' });
    expect(await app.child.exited).toBe(1);
    expect(app.errors()).toContain('DATABASE_URL');
  }, 20_000);

  test('a second signal ends the process at once', async () => {
    const app = spawn({ STEPS: 'shop.pack', GATE: '/nonexistent', STUBBORN: '1', TASKER_DRAIN_TIMEOUT: '600' });
    await app.ready();
    await until('the step runs', () => app.said().includes('STARTED shop.pack'));
    app.child.kill('SIGINT');
    await until('it drains', () => app.said().includes('DRAINING'));
    app.child.kill('SIGINT');
    expect(await app.child.exited).toBe(130);
  }, 20_000);

  test('a hot reload with a mistake in the handlers leaves the old worker and its port', async () => {
    const copy = join(root, 'tests/apps', `hot-${crypto.randomUUID()}.ts`);
    const source = readFileSync(join(root, 'tests/apps/worker.ts'), 'utf8').replace('process.exit(1)', '// goes on');
    writeFileSync(copy, source);
    const app = spawn({ APP: copy }, '--hot');
    try {
      const url = await app.ready();
      writeFileSync(copy, source.replace("'shop.price'", "'shop.prise'"));
      await until('it is refused', () => app.errors().includes("no handler 'shop.price'"));
      expect((await fetch(`${url}/tasker/live`)).status).toBe(200);
      writeFileSync(copy, `${source}\n// corrected`);
      await until('the correction runs', () => app.said().includes(`READY ${url} generation 3 boots 1`));
      expect((await fetch(`${url}/tasker/live`)).status).toBe(200);
    } finally {
      rmSync(copy);
      app.child.kill('SIGTERM');
      await app.child.exited;
    }
  }, 60_000);

  test('ten hot reloads keep one native worker', async () => {
    const copy = join(root, 'tests/apps', `hot-${crypto.randomUUID()}.ts`);
    const source = readFileSync(join(root, 'tests/apps/worker.ts'), 'utf8');
    writeFileSync(copy, source);
    const app = spawn({ APP: copy }, '--hot');
    try {
      const url = await app.ready();
      for (let generation = 2; generation <= 11; generation++) {
        writeFileSync(copy, `${source}\n// ${generation}\n`);
        await until(`generation ${generation}`, () =>
          app.said().includes(`READY ${url} generation ${generation} boots 1`),
        );
      }
      expect((await fetch(`${url}/tasker/live`)).status).toBe(200);
    } finally {
      rmSync(copy);
      app.child.kill('SIGTERM');
      await app.child.exited;
    }
  }, 60_000);
});
