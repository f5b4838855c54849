/**
 * A client of the orchestration server's REST API. It needs no native module and no worker.
 *
 * @example
 * ```ts
 * import { createClient } from 'tasker-contrib-bun/client';
 *
 * const client = createClient({ url: 'http://127.0.0.1:8080' });
 * const task = await client.createTask('ship', { order_id: 7 }, { namespace: 'shop', idempotent: true });
 * const ended = await client.wait(task);
 * ```
 *
 * @module
 */

/** What went wrong, for programs. */
export type ClientErrorCode =
  | 'validation'
  | 'unauthorized'
  | 'not_found'
  | 'conflict'
  | 'backpressure'
  | 'unavailable'
  | 'timeout'
  | 'server';

/** A call failed. `code` says how; `status` is the HTTP status if there was an answer. */
export class TaskerClientError extends Error {
  override readonly name = 'TaskerClientError';

  constructor(
    readonly code: ClientErrorCode,
    message: string,
    readonly status?: number,
    /** Seconds after which the server wants to be asked again. */
    readonly retryAfter?: number,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** A task as the server describes it. The server's other fields are there, too. */
export interface Task {
  task_uuid: string;
  name: string;
  namespace: string;
  version: string;
  /** The state, such as `steps_in_process` or `complete`; in lists only `pending` and `completed`. */
  status: string;
  context: Record<string, unknown>;
  correlation_id: string;
  created_at: string;
  completed_at: string | null;
  total_steps: number;
  completed_steps: number;
  failed_steps: number;
  in_progress_steps: number;
  execution_status: string;
  completion_percentage: number;
  [field: string]: unknown;
}

/** A step of a task as the server describes it. */
export interface Step {
  step_uuid: string;
  task_uuid: string;
  name: string;
  /** Such as `in_progress`, `waiting_for_retry` or `complete`. */
  current_state: string;
  attempts: number;
  max_attempts: number;
  /** What the last execution left; the handler's result is `results.result`. */
  results: {
    success?: boolean;
    result?: unknown;
    error?: { message: string; error_type?: string; retryable?: boolean; [field: string]: unknown } | null;
    [field: string]: unknown;
  } | null;
  [field: string]: unknown;
}

/** One page of a list. */
export interface TaskPage {
  tasks: Task[];
  page: number;
  perPage: number;
  total: number;
  hasNext: boolean;
}

/** Options of {@link createClient}. */
export interface ClientOptions {
  /** The server. Default: `TASKER_ORCHESTRATION_URL`, else `http://127.0.0.1:8080`. */
  url?: string | undefined;
  /** Bearer token. Default: none. */
  token?: string | undefined;
  /** API key, sent in `apiKeyHeader`. Default: none. */
  apiKey?: string | undefined;
  /** Default: `X-API-Key`. */
  apiKeyHeader?: string | undefined;
  /** Milliseconds for one request. Default: 30000. */
  timeoutMs?: number | undefined;
  /** Repetitions when the server is away or overloaded. Default: 3. */
  maxRetries?: number | undefined;
  /**
   * Requests in flight; more wait. Default: 16. The server holds one database connection per creation and takes a
   * second inside: its pool must be larger than all clients' requests in flight.
   */
  maxConcurrency?: number | undefined;
  /** For tests, and for instrumentation. Default: the global `fetch`. */
  fetch?: ((request: Request) => Promise<Response>) | undefined;
  /** Called after each call with `ok` or the error's code. */
  onCall?: ((operation: string, outcome: 'ok' | ClientErrorCode) => void) | undefined;
  /** Called with the context before a task is created; throw to refuse it. Nothing is checked by default. */
  checkContext?:
    | ((task: { name: string; namespace: string; version: string }, context: Record<string, unknown>) => void)
    | undefined;
}

/** Options of {@link TaskerClient.createTask}. */
export interface CreateTaskOptions {
  /** Default: `default`. */
  namespace?: string;
  /** The template's version, exactly. Default: `1.0.0`. */
  version?: string;
  /** Return the existing task when this template and context were used before. Default: false. */
  idempotent?: boolean;
  /** Who asks for it. Default: `tasker-contrib-bun`. */
  initiator?: string;
  /** Default: `bun`. */
  sourceSystem?: string;
  /** Why, for people. */
  reason?: string;
  /** -100 to 100. */
  priority?: number;
  tags?: string[];
  correlationId?: string;
  parentCorrelationId?: string;
  signal?: AbortSignal;
}

/** Options of {@link TaskerClient.wait}. */
export interface WaitOptions {
  /** Milliseconds. Default: 60000. */
  timeoutMs?: number;
  /** Called whenever the state or the counts changed. */
  onProgress?: (task: Task) => void;
  signal?: AbortSignal;
}

/** States in which nothing more happens by itself. */
export const END_STATES: readonly string[] = [
  'complete',
  'error',
  'cancelled',
  'resolved_manually',
  'blocked_by_failures',
];

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const LONGEST_WAIT = 5000;
const SEARCH_PAGES = 20;

type Body = Record<string, unknown>;

/** See {@link createClient}. */
export class TaskerClient {
  readonly url: string;
  readonly #options: ClientOptions;
  readonly #slots: number;
  #inFlight = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: ClientOptions = {}) {
    this.url = (options.url ?? environment('TASKER_ORCHESTRATION_URL') ?? 'http://127.0.0.1:8080').replace(/\/+$/, '');
    if (!/^https?:\/\/[^/]/.test(this.url)) {
      throw new TaskerClientError(
        'validation',
        `url = ${JSON.stringify(this.url)} must begin with http:// or https://`,
      );
    }
    this.#options = options;
    this.#slots = options.maxConcurrency ?? 16;
  }

  /**
   * Create a task. The same template with the same context can exist once only, for ever: put something unique into the
   * context, or use `idempotent`.
   *
   * @throws {@link TaskerClientError} `not_found`: no worker has registered the template; `conflict`: it exists;
   * `backpressure`, `unavailable`: also after repetitions.
   */
  async createTask(name: string, context: object = {}, options: CreateTaskOptions = {}): Promise<Task> {
    const { namespace = 'default', version = '1.0.0' } = options;
    this.#options.checkContext?.({ name, namespace, version }, context as Body);
    const body: Body = {
      name,
      namespace,
      version,
      context,
      initiator: options.initiator ?? 'tasker-contrib-bun',
      source_system: options.sourceSystem ?? 'bun',
      reason: options.reason ?? 'requested by the application',
      priority: options.priority,
      tags: options.tags,
      correlation_id: options.correlationId,
      parent_correlation_id: options.parentCorrelationId,
    };
    const lost = { answers: 0 };
    try {
      return await this.#call<Task>('create_task', 'POST', '/v1/tasks', { body, lost, signal: options.signal });
    } catch (error) {
      if (!(error instanceof TaskerClientError)) throw error;
      if (error.code === 'not_found') {
        throw new TaskerClientError(
          'not_found',
          `template ${namespace}/${name} ${version} is not registered: a worker registers its templates when it starts`,
          error.status,
        );
      }
      // A repetition after a lost answer meets the task that the first try created.
      if (error.code !== 'conflict' || !(options.idempotent || lost.answers)) throw error;
      const existing = await this.#find(name, namespace, version, context as Body);
      if (existing) return existing;
      throw new TaskerClientError(
        'conflict',
        `task ${namespace}/${name} ${version} exists with this context, but is not among the latest ${SEARCH_PAGES * 100} of the namespace`,
        error.status,
      );
    }
  }

  /** The present state of a task. */
  getTask(task: Task | string, options: { signal?: AbortSignal } = {}): Promise<Task> {
    return this.#call('get_task', 'GET', `/v1/tasks/${uuid(task)}`, options);
  }

  /** A page of tasks, the newest first. `status` is `pending` or `completed`: the server fails on other words. */
  async listTasks(
    options: {
      namespace?: string;
      status?: 'pending' | 'completed';
      /** From 1. */
      page?: number;
      /** 1 to 100. Default: 25. */
      perPage?: number;
      signal?: AbortSignal;
    } = {},
  ): Promise<TaskPage> {
    const { namespace, status, page = 1, perPage = 25 } = options;
    if (status !== undefined && status !== 'pending' && status !== 'completed') {
      throw new TaskerClientError(
        'validation',
        `status must be 'pending' or 'completed', not ${JSON.stringify(status)}`,
      );
    }
    if (!(page >= 1 && perPage >= 1 && perPage <= 100)) {
      throw new TaskerClientError('validation', `page = ${page} must be 1 or more, perPage = ${perPage} 1 to 100`);
    }
    const query = new URLSearchParams({ page: String(page), per_page: String(perPage) });
    if (namespace !== undefined) query.set('namespace', namespace);
    if (status !== undefined) query.set('status', status);
    const answer = await this.#call<{ tasks: Task[]; pagination: Record<string, never> }>(
      'list_tasks',
      'GET',
      `/v1/tasks?${query}`,
      options,
    );
    const { pagination } = answer;
    return {
      tasks: answer.tasks,
      page: pagination.page ?? page,
      perPage: pagination.per_page ?? perPage,
      total: pagination.total_count ?? 0,
      hasNext: Boolean(pagination.has_next),
    };
  }

  /** Cancel a task; steps that run are not interrupted. `validation` when it has ended already. */
  async cancelTask(task: Task | string): Promise<Task> {
    await this.#call('cancel_task', 'DELETE', `/v1/tasks/${uuid(task)}`);
    return this.getTask(task);
  }

  /** The steps of a task with their results. */
  steps(task: Task | string, options: { signal?: AbortSignal } = {}): Promise<Step[]> {
    return this.#call('steps', 'GET', `/v1/tasks/${uuid(task)}/workflow_steps`, options);
  }

  /** One step. */
  getStep(task: Task | string, step: string, options: { signal?: AbortSignal } = {}): Promise<Step> {
    return this.#call('get_step', 'GET', `/v1/tasks/${uuid(task)}/workflow_steps/${uuid(step)}`, options);
  }

  /** Whether the server answers, and how long that took in milliseconds. Never throws. */
  async health(timeoutMs = 2000): Promise<{ healthy: boolean; detail: string; ms: number }> {
    const begun = performance.now();
    try {
      const response = await this.#fetch('GET', '/health', undefined, AbortSignal.timeout(timeoutMs));
      await response.body?.cancel();
      const ms = performance.now() - begun;
      return { healthy: response.ok, detail: `${this.url} answered ${response.status} in ${ms.toFixed(0)} ms`, ms };
    } catch (error) {
      return { healthy: false, detail: `${this.url}: ${reason(error)}`, ms: performance.now() - begun };
    }
  }

  /**
   * Wait until a task has ended; see {@link END_STATES}. It may have failed: look at `status`.
   *
   * @throws {@link TaskerClientError} `timeout`: it has not ended in time. It goes on.
   */
  async wait(task: Task | string, options: WaitOptions = {}): Promise<Task> {
    const end = performance.now() + (options.timeoutMs ?? 60_000);
    let pause = 25;
    let seen = '';
    for (;;) {
      const current = await this.getTask(task, options);
      const state = [current.status, current.completed_steps, current.failed_steps, current.in_progress_steps].join();
      if (state !== seen) {
        seen = state;
        pause = 25;
        options.onProgress?.(current);
      }
      if (END_STATES.includes(current.status)) return current;
      const left = end - performance.now();
      if (left <= 0) {
        throw new TaskerClientError(
          'timeout',
          `task ${current.task_uuid} is still ${current.status} after ${options.timeoutMs ?? 60_000} ms ` +
            `(${current.completed_steps} of ${current.total_steps} steps complete)`,
        );
      }
      await sleep(Math.min(pause, left), options.signal);
      pause = Math.min(pause * 1.5, 2000);
    }
  }

  async #find(name: string, namespace: string, version: string, context: Body): Promise<Task | undefined> {
    const wanted = canonical(context);
    for (let page = 1; page <= SEARCH_PAGES; page++) {
      const found = await this.listTasks({ namespace, page, perPage: 100 });
      for (const task of found.tasks) {
        if (task.name === name && task.version === version && canonical(task.context) === wanted) {
          return this.getTask(task);
        }
      }
      if (!found.hasNext) return undefined;
    }
    return undefined;
  }

  async #call<T>(
    operation: string,
    method: string,
    path: string,
    options: { body?: Body; lost?: { answers: number }; signal?: AbortSignal | undefined } = {},
  ): Promise<T> {
    const { maxRetries = 3, timeoutMs = 30_000, onCall } = this.#options;
    for (let attempt = 0; ; attempt++) {
      const failure = await this.#slot(async () => {
        try {
          const timeout = AbortSignal.timeout(timeoutMs);
          const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
          const response = await this.#fetch(method, path, options.body, signal);
          if (response.ok) return { value: (await response.json()) as T };
          return failed(response, await response.text());
        } catch (error) {
          options.signal?.throwIfAborted();
          const timedOut = error instanceof Error && error.name === 'TimeoutError';
          return timedOut
            ? new TaskerClientError('timeout', `${method} ${this.url}${path}: no answer within ${timeoutMs} ms`)
            : new TaskerClientError(
                'unavailable',
                `${method} ${this.url}${path}: ${reason(error)}. Is the orchestration server running there?`,
                undefined,
                undefined,
                { cause: error },
              );
        }
      });
      if (!(failure instanceof TaskerClientError)) {
        onCall?.(operation, 'ok');
        return failure.value;
      }
      const again = failure.code === 'backpressure' || failure.code === 'unavailable' || failure.code === 'timeout';
      if (!again || attempt >= maxRetries) {
        onCall?.(operation, failure.code);
        throw failure;
      }
      if (failure.code !== 'backpressure' && options.lost) options.lost.answers++;
      const backoff = 100 * 2 ** attempt * (0.5 + Math.random());
      const wanted = failure.retryAfter === undefined ? backoff : failure.retryAfter * 1000;
      await sleep(Math.min(wanted, LONGEST_WAIT), options.signal);
    }
  }

  async #slot<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inFlight >= this.#slots) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#inFlight++;
    try {
      return await work();
    } finally {
      // The place goes to the next in line without being free in between.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#inFlight--;
    }
  }

  #fetch(method: string, path: string, body: Body | undefined, signal: AbortSignal): Promise<Response> {
    const { token, apiKey, apiKeyHeader = 'X-API-Key', fetch: send = fetch } = this.#options;
    const headers: Record<string, string> = {};
    if (body) headers['content-type'] = 'application/json';
    if (token) headers.authorization = `Bearer ${token}`;
    else if (apiKey) headers[apiKeyHeader] = apiKey;
    const init = body ? { body: JSON.stringify(body) } : {};
    return send(new Request(this.url + path, { method, headers, signal, ...init }));
  }
}

/** A client; see the module's example. */
export function createClient(options: ClientOptions = {}): TaskerClient {
  return new TaskerClient(options);
}

function failed(response: Response, text: string): TaskerClientError {
  const { status } = response;
  let message = text.trim();
  try {
    message = (JSON.parse(text) as { error: { message: string } }).error.message;
  } catch {
    // The server's own layers answer with plain text.
  }
  const codes: Record<number, ClientErrorCode> = {
    400: 'validation',
    401: 'unauthorized',
    403: 'unauthorized',
    404: 'not_found',
    408: 'timeout',
    409: 'conflict',
    415: 'validation',
    422: 'validation',
    429: 'backpressure',
    502: 'unavailable',
    503: 'backpressure',
    504: 'unavailable',
  };
  const header = response.headers.get('retry-after');
  const after = header === null ? undefined : retryAfter(header);
  const what = message || response.statusText || 'no explanation';
  return new TaskerClientError(codes[status] ?? 'server', `the server answered ${status}: ${what}`, status, after);
}

/** Seconds of a Retry-After header, which is a number or a date. */
function retryAfter(header: string): number | undefined {
  const seconds = /^\s*\d+\s*$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

function uuid(value: Task | string): string {
  const text = typeof value === 'string' ? value : value.task_uuid;
  if (!UUID.test(text)) throw new TaskerClientError('validation', `${JSON.stringify(text)} is not a UUID`);
  return text;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function environment(name: string): string | undefined {
  return typeof process === 'undefined' ? undefined : process.env[name] || undefined;
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    item && typeof item === 'object' && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
