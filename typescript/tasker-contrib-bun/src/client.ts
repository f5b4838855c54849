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

import { TaskerClientError } from './client/errors.ts';
import { Operations, uuid } from './client/operations.ts';
import { type Body, reason, sleep, Transport } from './client/transport.ts';
import {
  type ClientOptions,
  type CreateTaskOptions,
  END_STATES,
  type Step,
  type Task,
  type TaskPage,
  type WaitOptions,
} from './client/types.ts';
import { messageOf, storable } from './storable.ts';

export * from './client/errors.ts';
export type { Answer, Because, DeadLetter, Operations, Resolution } from './client/operations.ts';
export * from './client/types.ts';

const SEARCH_PAGES = 20;

/** See {@link createClient}. */
export class TaskerClient extends Operations {
  readonly url: string;
  readonly #options: ClientOptions;

  /** @param transport - for {@link withTimeout}. */
  constructor(options: ClientOptions = {}, transport?: Transport) {
    const url = (options.url ?? environment('TASKER_ORCHESTRATION_URL') ?? 'http://127.0.0.1:8080').replace(/\/+$/, '');
    if (!/^https?:\/\/[^/]/.test(url)) {
      throw new TaskerClientError('validation', `url = ${JSON.stringify(url)} must begin with http:// or https://`);
    }
    super(transport ?? new Transport(url, options));
    this.url = url;
    this.#options = options;
  }

  /**
   * This client with another timeout for each request. Both count against the same `maxConcurrency`.
   *
   * @example
   * ```ts
   * const client = createClient();
   * const look = (id: string) => client.withTimeout(2000).getTask(id);
   * ```
   */
  withTimeout(timeoutMs: number): TaskerClient {
    return new TaskerClient({ ...this.#options, url: this.url, timeoutMs }, this.transport.withTimeout(timeoutMs));
  }

  /**
   * Create a task. Tasker keeps one task for each template and context and refuses a second one: put something unique into
   * the context, or use `idempotent`.
   *
   * @throws `TaskerClientError` `not_found`: no worker has registered the template; `conflict`: it exists;
   * `backpressure`, `unavailable`: also after repetitions.
   */
  async createTask(name: string, context: object = {}, options: CreateTaskOptions = {}): Promise<Task> {
    const { namespace = 'default', version = '1.0.0' } = options;
    const stored = storedContext(context);
    this.#options.checkContext?.({ name, namespace, version }, stored);
    const body: Body = {
      name,
      namespace,
      version,
      context: stored,
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
      return await this.transport.call<Task>('create_task', 'POST', '/v1/tasks', {
        body,
        lost,
        signal: options.signal,
      });
    } catch (error) {
      if (!(error instanceof TaskerClientError)) throw error;
      if (error.code === 'not_found') {
        throw new TaskerClientError(
          'not_found',
          `template ${namespace}/${name} ${version} is not registered: a worker registers its templates when it starts`,
          error.status,
        );
      }
      // After a lost answer, the repetition finds the task that the first attempt created.
      if (error.code !== 'conflict' || !(options.idempotent || lost.answers)) throw error;
      const existing = await this.#find(name, namespace, version, stored);
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
    return this.transport.call('get_task', 'GET', `/v1/tasks/${uuid(task)}`, options);
  }

  /** A page of tasks, the newest first. `status` is `pending` or `completed`: the server answers other words with an error. */
  async listTasks(
    options: {
      namespace?: string;
      status?: 'pending' | 'completed';
      /** Only those that this one created. */
      initiator?: string;
      /** From 1. */
      page?: number;
      /** 1 to 100. Default: 25. */
      perPage?: number;
      signal?: AbortSignal;
    } = {},
  ): Promise<TaskPage> {
    const { namespace, status, initiator, page = 1, perPage = 25 } = options;
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
    if (initiator !== undefined) query.set('initiator', initiator);
    const answer = await this.transport.call<{ tasks: Task[]; pagination: Record<string, never> }>(
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
    await this.transport.call('cancel_task', 'DELETE', `/v1/tasks/${uuid(task)}`);
    return this.getTask(task);
  }

  /** The steps of a task with their results. */
  steps(task: Task | string, options: { signal?: AbortSignal } = {}): Promise<Step[]> {
    return this.transport.call('steps', 'GET', `/v1/tasks/${uuid(task)}/workflow_steps`, options);
  }

  /** Whether the server answers, and how long that took in milliseconds. Never throws. */
  async health(timeoutMs = 2000): Promise<{ healthy: boolean; detail: string; ms: number }> {
    const begun = performance.now();
    try {
      const response = await this.transport.fetch('GET', '/health', undefined, AbortSignal.timeout(timeoutMs));
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
   * @throws `TaskerClientError` `timeout`: it has not ended in time. The task goes on.
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
}

/** A client; see the module's example. */
export function createClient(options: ClientOptions = {}): TaskerClient {
  return new TaskerClient(options);
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

function storedContext(context: unknown): Body {
  try {
    return storable(context, 'context') as Body;
  } catch (error) {
    throw new TaskerClientError('validation', messageOf(error));
  }
}
