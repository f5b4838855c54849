/** The client over a server in memory: everything the real client does, without a network. */

import { type ClientErrorCode, END_STATES, type Step, type Task, TaskerClient } from '../client.ts';
import { InputSchemas } from '../input-schemas.ts';
import { loadTemplates } from '../templates.ts';
import { json } from './context.ts';
import type { WorkflowRun } from './workflow.ts';

type Body = Record<string, unknown>;

/** Options of {@link fakeClient}. */
export interface FakeClientOptions {
  /**
   * Directory of task templates: others are `not_found`, and contexts are checked against `input_schema`. Default: every
   * template is known.
   */
  templates?: string;
  /** Executed when a task of this template is created; the task then has that end. Default: tasks stay `pending`. */
  workflows?: Readonly<Record<string, (context: Body) => WorkflowRun | Promise<WorkflowRun>>>;
}

/** How {@link FakeClient.finish} ends a task. */
export interface TaskEnd {
  /** Default: `complete`. */
  status?: string;
  /** Results by step name. */
  results?: Record<string, unknown>;
}

interface Stored {
  task: Task;
  steps: Step[];
}

/** See {@link fakeClient}. */
export class FakeClient extends TaskerClient {
  readonly #server: FakeServer;

  /** @internal */
  constructor(server: FakeServer, options: FakeClientOptions) {
    const checkContext = options.templates ? new InputSchemas(options.templates).check : undefined;
    super({ url: 'http://tasker.invalid', maxRetries: 0, checkContext, fetch: (request) => server.answer(request) });
    this.#server = server;
  }

  /** What was created, in order, as `getTask` would give it. */
  get created(): readonly Task[] {
    return [...this.#server.tasks.values()].map(({ task }) => task);
  }

  /** End a task that was created. */
  finish(task: Task | string, { status = 'complete', results = {} }: TaskEnd = {}): void {
    const stored = this.#server.tasks.get(typeof task === 'string' ? task : task.task_uuid);
    if (!stored) throw new Error(`this client has created no task ${typeof task === 'string' ? task : task.task_uuid}`);
    const outcomes = Object.entries(results).map(([name, result]) => ({
      name,
      state: 'complete',
      attempts: 1,
      result,
    }));
    end(stored, status, outcomes);
  }

  /** Let the next call fail as the server would. */
  failNext(code: Exclude<ClientErrorCode, 'timeout'>): void {
    this.#server.failures.push(code);
  }
}

/**
 * A client for tests of code that creates tasks: the real {@link TaskerClient} over a server in memory. The same template
 * and context twice is a conflict there as well.
 *
 * @example
 * ```ts
 * const tasker = fakeClient();
 * await placeOrder(tasker, { order_id: 7 });
 * expect(tasker.created[0]).toMatchObject({ name: 'ship', context: { order_id: 7 } });
 * ```
 */
export function fakeClient(options: FakeClientOptions = {}): FakeClient {
  return new FakeClient(new FakeServer(options), options);
}

const STATUS: Record<Exclude<ClientErrorCode, 'timeout'>, number> = {
  validation: 400,
  unauthorized: 401,
  not_found: 404,
  conflict: 409,
  server: 500,
  unavailable: 502,
  backpressure: 503,
};

class FakeServer {
  readonly tasks = new Map<string, Stored>();
  readonly failures: Exclude<ClientErrorCode, 'timeout'>[] = [];
  readonly #known: Set<string> | undefined;
  readonly #options: FakeClientOptions;

  constructor(options: FakeClientOptions) {
    this.#options = options;
    const { templates } = options;
    if (templates !== undefined) this.#known = new Set(loadTemplates(templates, []).map(identity));
  }

  async answer(request: Request): Promise<Response> {
    const failure = this.failures.shift();
    if (failure) return refuse(STATUS[failure], `the test wants ${failure}`);
    const { pathname, searchParams } = new URL(request.url);
    const [, , , uuid, , step] = pathname.split('/');
    if (pathname === '/health') return new Response('ok');
    if (request.method === 'POST') return this.#create((await request.json()) as Body);
    if (uuid === undefined) return this.#list(searchParams);
    const stored = this.tasks.get(uuid);
    if (!stored) return refuse(404, 'Task not found');
    if (request.method === 'DELETE') return cancel(stored);
    if (!pathname.includes('/workflow_steps')) return Response.json(stored.task);
    if (step === undefined) return Response.json(stored.steps);
    const found = stored.steps.find((other) => other.step_uuid === step);
    return found ? Response.json(found) : refuse(404, 'Step not found');
  }

  async #create(body: Body): Promise<Response> {
    const id = identity(body as { namespace: string; name: string; version: string });
    if (this.#known && !this.#known.has(id)) return refuse(404, 'Task template not found');
    const same = JSON.stringify(body.context);
    for (const { task } of this.tasks.values()) {
      if (identity(task) === id && JSON.stringify(task.context) === same) return refuse(409, 'Task already exists');
    }
    const task: Task = {
      ...(body as { name: string; namespace: string; version: string }),
      task_uuid: crypto.randomUUID(),
      status: 'pending',
      context: json(body.context) as Body,
      correlation_id: String(body.correlation_id ?? crypto.randomUUID()),
      created_at: new Date().toISOString(),
      completed_at: null,
      total_steps: 0,
      completed_steps: 0,
      failed_steps: 0,
      in_progress_steps: 0,
      execution_status: 'has_ready_steps',
      completion_percentage: 0,
    };
    const stored: Stored = { task, steps: [] };
    this.tasks.set(task.task_uuid, stored);
    const run = await this.#options.workflows?.[`${task.namespace}/${task.name}`]?.(task.context);
    if (run) end(stored, run.status, [...run.steps.values()]);
    return Response.json(task);
  }

  #list(query: URLSearchParams): Response {
    const [page, perPage] = [Number(query.get('page')), Number(query.get('per_page'))];
    const namespace = query.get('namespace');
    const status = query.get('status');
    const found = [...this.tasks.values()]
      .map(({ task }) => task)
      .filter((task) => namespace === null || task.namespace === namespace)
      .filter((task) => status === null || (status === 'completed') === END_STATES.includes(task.status))
      .reverse();
    return Response.json({
      tasks: found.slice((page - 1) * perPage, page * perPage),
      pagination: { page, per_page: perPage, total_count: found.length, has_next: found.length > page * perPage },
    });
  }
}

function identity({ namespace, name, version }: { namespace: string; name: string; version: string }): string {
  return `${namespace}/${name} ${version}`;
}

function refuse(status: number, message: string): Response {
  return Response.json({ error: { message } }, { status });
}

function cancel({ task }: Stored): Response {
  if (END_STATES.includes(task.status)) return refuse(400, `a task that is ${task.status} cannot be cancelled`);
  task.status = 'cancelled';
  return Response.json({});
}

interface StepEnd {
  name: string;
  state: string;
  attempts: number;
  result?: unknown;
  error?: string | undefined;
}

function end(stored: Stored, status: string, outcomes: readonly StepEnd[]): void {
  const { task } = stored;
  stored.steps = outcomes.map(({ name, state, attempts, result, error }) => ({
    step_uuid: crypto.randomUUID(),
    task_uuid: task.task_uuid,
    name,
    current_state: state,
    attempts,
    max_attempts: 3,
    results:
      attempts === 0
        ? null
        : {
            success: state === 'complete',
            result,
            error: error === undefined ? null : { message: error },
          },
  }));
  const completed = outcomes.filter(({ state }) => state === 'complete').length;
  Object.assign(task, {
    status,
    completed_at: status === 'complete' ? new Date().toISOString() : null,
    total_steps: outcomes.length,
    completed_steps: completed,
    failed_steps: outcomes.filter(({ state }) => state === 'error').length,
    execution_status: status === 'complete' ? 'all_complete' : 'blocked_by_failures',
    completion_percentage: outcomes.length ? (100 * completed) / outcomes.length : 0,
  });
}
