/** What operators ask and do. */

import { TaskerClientError } from './errors.ts';
import type { Body, Transport } from './transport.ts';
import type { Step, Task } from './types.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What became of a dead letter. */
export type Resolution = 'Pending' | 'ManuallyResolved' | 'PermanentlyFailed' | 'Cancelled';

/** An entry of the dead letter queue: a task that stopped moving, and was given up. Other fields of the server are there as well. */
export interface DeadLetter {
  dlq_entry_uuid: string;
  task_uuid: string;
  /** The task's state when it was put here. */
  original_state: string;
  /** Such as `StalenessTimeout`. */
  dlq_reason: string;
  resolution_status: Resolution;
  [field: string]: unknown;
}

/** Who does something to a step, and why; for those who read the history. */
export interface Because {
  reason: string;
  /** Default: the user of this process. */
  by?: string;
}

/** An object of the server that this package does not describe further; see Core's API. */
export type Answer = Record<string, unknown>;

/** The calls for operators; every {@link TaskerClient} has them. */
export class Operations {
  /** @internal */
  protected readonly transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.transport = transport;
  }

  /** One step. */
  getStep(task: Task | string, step: Step | string, options: { signal?: AbortSignal } = {}): Promise<Step> {
    return this.transport.call('get_step', 'GET', stepPath(task, step), options);
  }

  /**
   * Let a step in `error` run again. Its attempts go on counting. The server only moves the step; the task goes on when
   * `tasker-recovery` looks at it next.
   */
  retryStep(task: Task | string, step: Step | string, { reason, by = user() }: Because): Promise<Step> {
    return this.#patchStep('retry_step', task, step, { action_type: 'reset_for_retry', reason, reset_by: by });
  }

  /** Count a step as done by hand. Later steps see no result of it. */
  resolveStep(task: Task | string, step: Step | string, { reason, by = user() }: Because): Promise<Step> {
    return this.#patchStep('resolve_step', task, step, { action_type: 'resolve_manually', reason, resolved_by: by });
  }

  /** Count a step as done by hand, with the result that later steps see. */
  completeStep(
    task: Task | string,
    step: Step | string,
    result: Answer,
    { reason, by = user() }: Because,
  ): Promise<Step> {
    const completion_data = { result };
    const body = { action_type: 'complete_manually', completion_data, reason, completed_by: by };
    return this.#patchStep('complete_step', task, step, body);
  }

  /** The executions of a step, with their results. */
  stepAudit(task: Task | string, step: Step | string): Promise<Answer[]> {
    return this.#get('step_audit', `${stepPath(task, step)}/audit`);
  }

  /** A task without contexts and results: what a page may show to anybody. */
  taskSummary(task: Task | string): Promise<Answer> {
    return this.#get('task_summary', `/v1/tasks/${uuid(task)}/summary`);
  }

  /** The templates that workers have registered. */
  async listTemplates(options: { namespace?: string } = {}): Promise<Answer[]> {
    return (await this.#get<{ templates: Answer[] }>('list_templates', '/v1/templates', { ...options })).templates;
  }

  /** A registered template with its steps. */
  getTemplate(namespace: string, name: string, version: string): Promise<Answer> {
    const path = [namespace, name, version].map(encodeURIComponent).join('/');
    return this.#get('get_template', `/v1/templates/${path}`);
  }

  /** Counts and durations of the last hours. */
  performance({ hours = 24 }: { hours?: number } = {}): Promise<Answer> {
    return this.#get('performance', '/v1/analytics/performance', { hours });
  }

  /** The steps and tasks that take longest. */
  bottlenecks({ limit = 10, minExecutions = 5 }: { limit?: number; minExecutions?: number } = {}): Promise<Answer> {
    return this.#get('bottlenecks', '/v1/analytics/bottlenecks', { limit, min_executions: minExecutions });
  }

  /** The dead letter queue. */
  deadLetters(options: { resolution?: Resolution; limit?: number; offset?: number } = {}): Promise<DeadLetter[]> {
    const { resolution, limit = 50, offset = 0 } = options;
    return this.#get('dead_letters', '/v1/dlq', { resolution_status: resolution, limit, offset });
  }

  /** The newest entry of a task in the dead letter queue; `not_found` if it was never given up. */
  deadLetter(task: Task | string): Promise<DeadLetter> {
    return this.#get('dead_letter', `/v1/dlq/task/${uuid(task)}`);
  }

  /** Say what became of an entry of the dead letter queue. The task stays as it is. */
  async updateDeadLetter(
    entry: DeadLetter | string,
    { resolution, notes, by = user() }: { resolution: Resolution; notes?: string; by?: string },
  ): Promise<void> {
    const id = uuid(typeof entry === 'string' ? entry : entry.dlq_entry_uuid);
    const body = { resolution_status: resolution, resolution_notes: notes, resolved_by: by };
    await this.transport.call('update_dead_letter', 'PATCH', `/v1/dlq/entry/${id}`, { body });
  }

  /** How many tasks were given up, by reason. */
  deadLetterStats(): Promise<Answer[]> {
    return this.#get('dead_letter_stats', '/v1/dlq/stats');
  }

  /** The dead letters that nobody has looked at, the most urgent first. */
  investigationQueue({ limit = 100 }: { limit?: number } = {}): Promise<Answer[]> {
    return this.#get('investigation_queue', '/v1/dlq/investigation-queue', { limit });
  }

  /** Tasks by how long they have been in their state. */
  staleTasks({ limit = 100 }: { limit?: number } = {}): Promise<Answer[]> {
    return this.#get('stale_tasks', '/v1/dlq/staleness', { limit });
  }

  #get<T>(operation: string, path: string, query: Record<string, unknown> = {}): Promise<T> {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    return this.transport.call(operation, 'GET', given.length ? `${path}?${search}` : path);
  }

  #patchStep(operation: string, task: Task | string, step: Step | string, body: Body): Promise<Step> {
    return this.transport.call(operation, 'PATCH', stepPath(task, step), { body });
  }
}

/** A task's UUID, checked. */
export function uuid(value: Task | string): string {
  const text = typeof value === 'string' ? value : value.task_uuid;
  if (!UUID.test(text)) throw new TaskerClientError('validation', `${JSON.stringify(text)} is not a UUID`);
  return text;
}

function stepPath(task: Task | string, step: Step | string): string {
  return `/v1/tasks/${uuid(task)}/workflow_steps/${uuid(typeof step === 'string' ? step : step.step_uuid)}`;
}

function user(): string {
  return (typeof process === 'undefined' ? undefined : process.env.USER) || 'unknown';
}
