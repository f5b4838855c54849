/**
 * What this package costs, side by side with what it is built on, from one run: `bun run bench`.
 *
 * Rounds of both sides alternate; the figures are medians, the ratio is theirs. Needs TASKER_DEV_BIN for the client (or
 * `cargo xtask build --unit ops/dev-server`); uses Core's real package if it is installed, else the double.
 */

import { z } from 'zod';
import { Dispatcher } from '../src/dispatcher.ts';
import { createClient, defineStep, TaskerEvents } from '../src/index.ts';
import { Metrics } from '../src/metrics.ts';
import type { Core, NativeStep } from '../src/native.ts';
import { type Handler, invoke } from '../src/outcome.ts';
import { claimed } from '../tests/double/steps.ts';
import { stack, stopStack } from '../tests/support/stack.ts';

const ROUNDS = 9;

type Side = { name: string; run: () => Promise<number> };

/** Prints the median of each side, in units per second of CPU time where `cpu`, else of wall time, and ratios to the first. */
async function compare(title: string, unit: string, ...sides: Side[]): Promise<void> {
  const figures = sides.map(() => ({ wall: [] as number[], cpu: [] as number[] }));
  for (const side of sides) await side.run();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, side] of sides.entries()) {
      const [began, cpu] = [performance.now(), process.cpuUsage()];
      const count = await side.run();
      const wall = performance.now() - began;
      const used = process.cpuUsage(cpu);
      figures[index]?.wall.push(count / (wall / 1000));
      figures[index]?.cpu.push((used.user + used.system) / count);
    }
  }
  console.log(`\n${title}`);
  const [base] = figures.map(({ wall, cpu }) => ({ wall: median(wall), cpu: median(cpu) }));
  for (const [index, { name }] of sides.entries()) {
    const wall = median(figures[index]?.wall ?? []);
    const cpu = median(figures[index]?.cpu ?? []);
    const ratio = `${((base?.wall ?? 0) / wall).toFixed(2)} times the time, ${(cpu / (base?.cpu ?? 1)).toFixed(2)} times the CPU`;
    console.log(
      `  ${name.padEnd(52)} ${wall.toFixed(0).padStart(9)} ${unit}/s  ${cpu.toFixed(2).padStart(8)} µs CPU each  ${ratio}`,
    );
  }
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function core(): Promise<[Core & Record<string, any>, string]> {
  process.env.TASKER_ENV = 'production';
  const name = '@tasker-systems/tasker';
  try {
    return [await import(name), `Core's package`];
  } catch {
    return [(await import('../tests/double/core.ts')) as never, 'the double of its package'];
  }
}

async function steps(): Promise<void> {
  const [package_, what] = await core();
  const { StepHandler } = package_;
  class Plain extends StepHandler {
    static handlerName = 'bench.step';
    async call(context: { getInput(key: string): unknown }) {
      return this.success({ n: Number(context.getInput('n')) + 1 });
    }
  }
  const plain = Plain as unknown as Handler & { handlerName: string; new (): { call(c: unknown): Promise<unknown> } };
  const typed = defineStep('bench.step', {}, ({ input }) => ({ n: Number(input.n) + 1 }));
  const checked = defineStep('bench.step', { input: z.object({ n: z.number() }) }, ({ input }) => ({ n: input.n + 1 }));
  const event = claimed({ callable: 'bench.step', context: { n: 1 } });
  const count = 20_000;
  const { signal } = new AbortController();
  const each = (work: () => Promise<unknown>) => async () => {
    for (let index = 0; index < count; index++) await work();
    return count;
  };
  await compare(
    `a step, called only (Core: ${what})`,
    'steps',
    {
      name: "Core's StepContext and handler class",
      run: each(() => new plain().call(package_.StepContext.fromFfiEvent(event, 'bench.step'))),
    },
    { name: 'the same class through this package', run: each(() => invoke(plain, event, signal, package_)) },
    { name: 'defineStep', run: each(() => invoke(typed, event, signal)) },
    { name: 'defineStep with a zod schema', run: each(() => invoke(checked, event, signal)) },
  );
  await compare(
    'a step from claim to answer, over a native module in memory',
    'steps',
    {
      name: 'a loop: claim, call the class, answer',
      run: async () => {
        const native = memory(event, count);
        for (let step = native.pollStepEvents(); step; step = native.pollStepEvents()) {
          const result: any = await new plain().call(package_.StepContext.fromFfiEvent(step, 'bench.step'));
          native.completeStepEvent(step.eventId, { success: result.success, result: result.result });
        }
        return count;
      },
    },
    {
      name: 'the dispatcher: events, metrics, back-off, hand-back',
      run: async () => {
        const native = memory(event, count);
        const handlers = new Map([['bench.step', typed]]);
        const metrics = new Metrics();
        const dispatcher = new Dispatcher(native, package_, handlers, 10, 'bench', new TaskerEvents(), metrics);
        dispatcher.start();
        await native.ended;
        dispatcher.stop();
        return count;
      },
    },
  );
}

function memory(event: NativeStep, count: number) {
  const { promise, resolve } = Promise.withResolvers<void>();
  let [claims, answers] = [0, 0];
  return {
    ended: promise,
    bootstrapWorker: () => ({ success: true, status: 'started', message: '' }),
    getWorkerStatus: () => ({ running: true }),
    stopWorker() {},
    transitionToGracefulShutdown() {},
    pollStepEvents: () => (claims < count ? { ...event, eventId: String(claims), stepUuid: String(claims++) } : null),
    completeStepEvent(_eventId: string, _result: object) {
      if (++answers === count) resolve();
      return true;
    },
    checkpointYieldStepEvent: () => true,
    pollInProcessEvents: () => null,
  };
}

async function fanOut(): Promise<void> {
  const [clients, count] = [100, 200];
  const data = { handler: 'bench.step', attempt: 1, durationMs: 1 };
  const events = new TaskerEvents();
  const own = Bun.serve({ port: 0, hostname: '127.0.0.1', idleTimeout: 0, fetch: (request) => events.sse(request) });
  const controllers = new Set<ReadableStreamDefaultController<Uint8Array>>();
  const plain = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    fetch() {
      let mine: ReadableStreamDefaultController<Uint8Array>;
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          mine = controller;
          controllers.add(controller);
          controller.enqueue(new TextEncoder().encode(': open\n\n'));
        },
        cancel() {
          controllers.delete(mine);
        },
      });
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    },
  });
  const send = () => events.emit('step:completed', data);
  const sendPlain = () => {
    const event = { name: 'step:completed', at: new Date().toISOString(), ...data };
    const bytes = new TextEncoder().encode(`event: step:completed\ndata: ${JSON.stringify(event)}\n\n`);
    for (const controller of controllers) controller.enqueue(bytes);
  };
  const measure = (port: number | undefined, emit: () => void) => async () => {
    const end = new AbortController();
    const responses = await Promise.all(
      Array.from({ length: clients }, () => fetch(`http://127.0.0.1:${port}/`, { signal: end.signal })),
    );
    const readers = responses.map(async (response) => {
      let seen = 0;
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        seen += new TextDecoder().decode(chunk).split('event: ').length - 1;
        if (seen === count) return;
      }
    });
    for (let index = 0; index < count; index++) {
      emit();
      if (index % 20 === 19) await Bun.sleep(0);
    }
    await Promise.all(readers);
    end.abort();
    await Bun.sleep(5);
    return clients * count;
  };
  await compare(
    `events to ${clients} SSE clients (both ends in one process)`,
    'events',
    { name: 'a hand-written broadcast, serialised once', run: measure(plain.port, sendPlain) },
    { name: 'events.sse', run: measure(own.port, send) },
  );
  await Promise.all([own.stop(true), plain.stop(true)]);
}

async function client(): Promise<void> {
  const { orchestrationUrl: url } = await stack();
  const tasker = createClient({ url });
  const [count, lanes] = [480, 16];
  const each = (call: () => Promise<unknown>) => async () => {
    const lane = async () => {
      for (let index = 0; index < count / lanes; index++) await call();
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    return count;
  };
  await compare(
    `GET /v1/tasks of the real server, ${lanes} at a time`,
    'requests',
    {
      name: 'plain fetch',
      run: each(async () => (await fetch(`${url}/v1/tasks?page=1&per_page=25`)).json()),
    },
    { name: 'client.listTasks', run: each(() => tasker.listTasks()) },
  );
  await stopStack();
}

const chosen = process.argv.slice(2);
for (const [name, run] of Object.entries({ steps, fanOut, client })) {
  if (!chosen.length || chosen.includes(name)) await run();
}
process.exit(0);
