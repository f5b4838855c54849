/**
 * A `Bun.serve` application with the worker inside.
 *
 * @example
 * ```ts
 * import { TaskerServer } from 'tasker-contrib-bun';
 *
 * await new TaskerServer({ port: 3000, handlers: './src/handlers' }).start();
 * ```
 *
 * @module
 */

import { branchCheck } from './branches.ts';
import { type ClientErrorCode, TaskerClient } from './client.ts';
import { unreachable } from './database.ts';
import { type CutStep, Dispatcher } from './dispatcher.ts';
import { TaskerConfigError, TaskerStartError } from './errors.ts';
import { TaskerEvents } from './events.ts';
import { handBack } from './hand-back.ts';
import { type ComponentHealth, components } from './health.ts';
import { InputSchemas } from './input-schemas.ts';
import { current, type Living, occupy, vacate, type Worker } from './living.ts';
import { Metrics } from './metrics.ts';
import { bootstrap, importCore } from './native.ts';
import { OutboxMetrics } from './outbox/metrics.ts';
import { type Preparation, prepare } from './preparation.ts';
import { OWN_OPTIONS, type ServerOptions, type ServerState, type StopReport } from './server-options.ts';
import { decideMode, processFacts, resolveSettings, type Settings } from './settings.ts';
import { stopOnSignals } from './signals.ts';
import { workerToml } from './worker-toml.ts';

const HTTP_STOP_MS = 1000;
/** In place of the name of a worker, where configurations are compared. */
const ANY_NAME = 'tkw:any';

/** Options of {@link TaskerServer}. */
export interface TaskerServerOptions extends ServerOptions {
  /** Answers everything else. Default: 404. */
  fetch?: (request: Request, server: TaskerServer) => Response | Promise<Response>;
}

/** See the module's example. */
export class TaskerServer {
  /** What was decided from options and environment. */
  readonly settings: Settings;
  /** Whether this process runs steps. */
  readonly mode: 'worker' | 'client';
  /** REST client of the orchestration server. */
  readonly client: TaskerClient;
  /** What the worker does. */
  readonly events: TaskerEvents;
  /** Path of health, metrics and events. */
  readonly prefix: string;
  readonly #options: TaskerServerOptions;
  readonly #metrics: Metrics;
  readonly #outbox: OutboxMetrics | undefined;
  readonly #reason: string;
  readonly #living: Living;
  #state: ServerState = 'new';
  #http: ReturnType<typeof Bun.serve> | undefined;
  #worker: Worker | undefined;
  #claimsEnded = false;
  #causes = '';
  #ending = new AbortController();
  #starting: Promise<this> | undefined;
  #stopping: Promise<StopReport> | undefined;
  #untrap = () => {};

  /** @throws {@link TaskerConfigError} for settings that Core would refuse, ignore or die of. */
  constructor(options: TaskerServerOptions = {}) {
    const settings = Object.fromEntries(Object.entries(options).filter(([name]) => !OWN_OPTIONS.includes(name)));
    this.settings = resolveSettings(settings);
    const decided = decideMode(this.settings, processFacts(this.settings));
    this.mode = decided.mode;
    if (this.mode === 'worker' && this.settings.workerProblems.length) {
      throw new TaskerConfigError(this.settings.workerProblems);
    }
    this.#reason = decided.reason;
    this.#options = options;
    this.prefix = (options.prefix ?? '/tasker').replace(/\/+$/, '');
    const hidden = Object.keys(options.routes ?? {}).filter((path) => path.startsWith(`${this.prefix}/`));
    if (hidden.length) {
      throw new TaskerConfigError([
        `routes: ${hidden.join(', ')} would hide the server's own paths below ${this.prefix}; move them, or set prefix`,
      ]);
    }
    const previous = current();
    this.events = previous?.events ?? new TaskerEvents();
    this.#metrics = previous?.metrics ?? new Metrics();
    this.#outbox = options.outbox && new OutboxMetrics(options.outbox);
    const onCall = (operation: string, outcome: 'ok' | ClientErrorCode) =>
      this.#metrics.count('clientRequests', operation, outcome);
    const schemas = new InputSchemas(this.settings.templates);
    this.client = new TaskerClient({ ...this.settings.orchestration, onCall, checkContext: schemas.check });
    this.#living = {
      events: this.events,
      metrics: this.#metrics,
      configuration: workerToml(this.settings, ANY_NAME),
      mode: this.mode,
      port: options.port,
      state: () => this.#state,
      release: () => {
        const released = { worker: this.#worker, http: this.#http };
        this.#worker = this.#http = undefined;
        this.#untrap();
        this.#state = 'stopped';
        this.#ending.abort();
        return released;
      },
    };
  }

  /** The current state. */
  get state(): ServerState {
    return this.#state;
  }

  /** Address of the HTTP server; empty before the start. */
  get url(): string {
    return this.#http ? `http://${this.#http.hostname}:${this.#http.port}` : '';
  }

  /**
   * Check everything, start the worker, then listen. A second call returns the same, after a failure it tries again; after
   * a hot reload the new server takes over the worker and the port of the old one.
   *
   * @throws {@link TaskerConfigError} templates or handlers are wrong. Core was not touched.
   * @throws {@link TaskerStartError} Core cannot start, the port is taken, or another server runs in this process.
   */
  start(): Promise<this> {
    this.#starting ??= this.#start().catch(async (error) => {
      await this.#stop(0);
      this.#state = 'new';
      this.#ending = new AbortController();
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  async #start(): Promise<this> {
    this.#state = 'starting';
    const began = performance.now();
    // First: a mistake in a handler must not end the server that runs.
    const prepared = this.mode === 'worker' ? await this.#prepare() : undefined;
    const previous = current();
    if (previous) this.#takeOver(previous);
    occupy(this.#living);
    if (prepared) await this.#startWorker(prepared);
    this.#listen();
    if (this.#options.signals ?? true) this.#untrap = stopOnSignals(() => this.stop());
    this.#state = 'running';
    console.info(
      `tasker: ${this.mode} (${this.#reason}) at ${this.url} after ${(performance.now() - began).toFixed(0)} ms`,
    );
    return this;
  }

  #takeOver(previous: Living): void {
    const { configuration, mode, port } = this.#living;
    const same = previous.configuration === configuration && previous.mode === mode && previous.port === port;
    if (!same || previous.state() !== 'running') {
      throw new TaskerStartError(
        `a TaskerServer is ${previous.state()} in this process with other options; there is one native worker per process: ` +
          'stop it first, or give both the same options',
      );
    }
    const { worker, http } = previous.release();
    this.#worker = worker;
    this.#http = http;
  }

  async #prepare(): Promise<Preparation> {
    const prepared = await prepare(this.#options.handlers ?? [], this.settings.templates);
    if (prepared.problems.length) throw new TaskerConfigError(prepared.problems);
    for (const warning of prepared.warnings) console.warn(`tasker: warning: ${warning}`);
    return prepared;
  }

  async #startWorker({ handlers, templates }: Preparation): Promise<void> {
    const { settings } = this;
    this.#metrics.expect(handlers.keys());
    if (this.#worker) {
      this.#worker.dispatcher.handlers = handlers;
      this.#worker.dispatcher.checkBranches = branchCheck(templates);
      return;
    }
    const core = await importCore();
    await this.#findDatabase();
    const { native, workerId } = await bootstrap(core, workerToml(settings), settings.templates, settings.logLevel);
    const { concurrency } = settings;
    const dispatcher = new Dispatcher(native, core, handlers, concurrency, workerId, this.events, this.#metrics);
    dispatcher.checkBranches = branchCheck(templates);
    const namespaces = [...new Set(templates.map((template) => template.namespace))].sort();
    this.#worker = { native, dispatcher, workerId, namespaces };
    dispatcher.start();
    this.events.emit('worker:started', { workerId, namespaces });
  }

  async #findDatabase(): Promise<void> {
    const { url, source, connectTimeoutMs } = this.settings.database;
    const problem = await unreachable(url, connectTimeoutMs);
    if (!problem) return;
    throw new TaskerStartError(
      `no database: ${problem} (from ${source}); start PostgreSQL there, or correct the URL; ` +
        'on your own machine `tasker-dev up` starts one and prints its DATABASE_URL',
    );
  }

  #listen(): void {
    const fetch = (request: Request) => this.fetch(request);
    // These paths are routes as well, so that a route /* of the application does not hide them.
    const routes = { ...this.#options.routes, [`${this.prefix}/*`]: fetch } as Record<string, typeof fetch>;
    if (this.#http) {
      this.#http.reload({ routes, fetch });
      return;
    }
    const port = this.#options.port ?? Number(process.env.PORT ?? 3000);
    const hostname = this.#options.hostname ?? process.env.HOST ?? '127.0.0.1';
    try {
      this.#http = Bun.serve({ port, hostname, routes, fetch });
    } catch (error) {
      const why = (error as { code?: string }).code === 'EADDRINUSE' ? 'is taken by another process' : String(error);
      throw new TaskerStartError(`port ${port} of ${hostname} ${why}; set port (PORT) to a free one, 0 takes any`);
    }
  }

  /** The fetch handler: health, metrics and events below the prefix, then the application's own. */
  async fetch(request: Request): Promise<Response> {
    const own = await this.handle(request);
    return own ?? this.#options.fetch?.(request, this) ?? new Response('Not Found', { status: 404 });
  }

  /** Answers the paths below the prefix; nothing for all others. For adapters. */
  async handle(request: Request): Promise<Response | undefined> {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith(`${this.prefix}/`)) return undefined;
    return this.#route(request, pathname.slice(this.prefix.length));
  }

  async #route(request: Request, path: string): Promise<Response | undefined> {
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
    switch (path) {
      case '/live':
        return Response.json({ status: 'alive' });
      case '/ready':
        return this.#ready();
      case '/metrics':
        return new Response(this.#metrics.render(await this.#outbox?.gauges()), {
          headers: { 'content-type': 'text/plain; version=0.0.4' },
        });
      case '/events':
        return this.#eventStream(request);
      default:
        return undefined;
    }
  }

  async #eventStream(request: Request): Promise<Response | undefined> {
    const { eventStream = false } = this.#options;
    if (eventStream === false) return undefined;
    if (eventStream === true || (await eventStream(request)) === true) {
      return this.events.sse(request, this.#ending.signal);
    }
    return new Response('Forbidden', { status: 403 });
  }

  async #ready(): Promise<Response> {
    const health = await this.health();
    this.#logCauses(health);
    const components = health.map(({ name, status, detail }) => ({ name, status, detail }));
    const ready = components.every(({ status }) => status === 'ok' || status === 'off');
    return Response.json({ status: ready ? 'ready' : 'not_ready', components }, { status: ready ? 200 : 503 });
  }

  /** Once for each change: probes ask every few seconds. */
  #logCauses(health: ComponentHealth[]): void {
    const failed = health.filter(({ status }) => status === 'failed');
    const causes = failed.map(({ name, detail, cause }) => `${name}: ${cause ?? detail}`).join('; ');
    if (causes && causes !== this.#causes) console.warn(`tasker: not ready: ${causes}`);
    this.#causes = causes;
  }

  /** The components of readiness. */
  health(): Promise<ComponentHealth[]> {
    const { mode, settings, client } = this;
    return components({ mode, state: this.#state, settings, client, worker: this.#worker });
  }

  /**
   * Take no more steps, and wait until the running ones have ended. Readiness turns false.
   *
   * @param timeout - seconds. Default: `drainTimeout`.
   * @returns false when steps still run.
   */
  async drain(timeout: number = this.settings.drainTimeout): Promise<boolean> {
    if (this.#state !== 'running' && this.#state !== 'draining') return true;
    const dispatcher = this.#worker?.dispatcher;
    if (this.#state === 'running') {
      this.#state = 'draining';
      this.events.emit('worker:draining', { inFlight: dispatcher?.inFlight ?? 0, timeout });
    }
    dispatcher?.pause();
    if (timeout > 0) this.#stopClaiming();
    return (await dispatcher?.idle(timeout * 1000)) ?? true;
  }

  /** Before the wait: a step that Core claims meanwhile would be an attempt that never began. Blocks for some seconds. */
  #stopClaiming(): void {
    const { native } = this.#worker ?? {};
    if (!native || this.#claimsEnded) return;
    this.#claimsEnded = true;
    attempt('claim no more steps', () => native.transitionToGracefulShutdown());
  }

  /**
   * Drain, hand back what is left, stop the worker, close the HTTP server. A second call returns the same report.
   *
   * @param timeout - seconds for the drain. Default: `drainTimeout`.
   */
  stop(timeout: number = this.settings.drainTimeout): Promise<StopReport> {
    this.#stopping ??= this.#stop(timeout);
    return this.#stopping;
  }

  async #stop(timeout: number): Promise<StopReport> {
    const began = performance.now();
    const hasRun = this.#state === 'running' || this.#state === 'draining';
    await this.drain(timeout);
    const worker = this.#worker;
    let cut: CutStep[] = [];
    let returned = 0;
    if (worker) {
      const { native, dispatcher } = worker;
      cut = dispatcher.cut();
      dispatcher.stop();
      returned = await handBack(dispatcher, this.settings.orchestration);
      attempt('stop', () => native.stopWorker());
      this.#worker = undefined;
      this.#claimsEnded = false;
      this.events.emit('worker:stopped', { cut, returned });
    }
    this.#ending.abort();
    const http = this.#http;
    this.#http = undefined;
    if (http) await Promise.race([http.stop(), Bun.sleep(HTTP_STOP_MS).then(() => http.stop(true))]);
    this.#untrap();
    this.#state = 'stopped';
    vacate(this.#living);
    const report = { cut, returned, seconds: (performance.now() - began) / 1000 };
    if (!hasRun) return report;
    const names = cut.map((step) => `${step.step} (step ${step.stepUuid})`).join(', ');
    console.info(
      `tasker: stopped after ${report.seconds.toFixed(1)} s, ${returned} steps returned, ${cut.length} cut${names && `: ${names}`}`,
    );
    return report;
  }
}

/** A call of Core at the stop; the stop goes on without it. */
function attempt(what: string, call: () => unknown): void {
  try {
    call();
  } catch (error) {
    console.error(`tasker: Core cannot ${what}: ${error instanceof Error ? error.message : error}`);
  }
}
