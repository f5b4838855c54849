/** Runs a whole task template in memory. */

import { backoff, type Handler } from '../outcome.ts';
import { nameOf } from '../registry.ts';
import { json, stepContext } from './context.ts';
import { type Node, OutcomeRefused, outcomeOf, type StepState, TaskGraph } from './graph.ts';
import { runStep, type StepOutcome, type TestHandler } from './step.ts';
import { loadTemplate, type TemplateSpec } from './template.ts';

type Mapping = Record<string, unknown>;
/** What a task came to. */
export type TaskStatus = 'complete' | 'blocked_by_failures' | 'error' | 'waiting_for_dependencies';

/** A handler that always yields a checkpoint would never end. */
const MAX_CHECKPOINTS = 1000;

/** One step of a run. */
export interface StepRun {
  /** A batch worker's instance is `{worker}_{batch_id}`. */
  name: string;
  templateStep: string;
  /** A step that never ran stays `pending`. */
  state: StepState;
  /** How often the handler was called, checkpoints not counted. */
  attempts: number;
  /** What later steps see; undefined unless complete. */
  result: Mapping | undefined;
  /** The message of the last failure. */
  error: string | undefined;
  errorType: string | undefined;
  /** Seconds waited before the second, third, … attempt. */
  delays: number[];
  /** Cursors that a batch worker stored on its way. */
  checkpoints: unknown[];
  /** Its UUID, the same in every attempt. */
  idempotencyKey: string;
}

/** One execution: virtual seconds since the start, and its outcome. */
export interface TimelineEvent {
  at: number;
  step: string;
  attempt: number;
  text: string;
}

/** What a task came to. */
export class WorkflowRun {
  /**
   * The task's end state. `blocked_by_failures` and `error` both mean failed: Core moves a task from the first to the
   * second when another result arrives later.
   */
  status: TaskStatus = 'waiting_for_dependencies';
  /** Every step that was created, in creation order. */
  readonly steps = new Map<string, StepRun>();
  /** Steps in the order in which their handlers were first called. */
  readonly order: string[] = [];
  /** What the server would do differently from what the template says; empty is good. */
  readonly problems: string[] = [];
  readonly timeline: TimelineEvent[] = [];
  /** Virtual seconds; only retry delays take time. */
  duration = 0;

  /** @throws Error with the timeline when the step was not created. */
  step(name: string): StepRun {
    const step = this.steps.get(name);
    if (step) return step;
    throw new Error(`step '${name}' was not created (created: ${[...this.steps.keys()].join(', ')})\n${this}`);
  }

  /** The timeline, one execution a line, then the steps that never ran. */
  toString(): string {
    const width = Math.max(0, ...[...this.steps.keys()].map((name) => name.length));
    const ran = this.timeline.map(
      ({ at, step, attempt, text }) =>
        `  ${at.toFixed(3).padStart(8)} s  ${step.padEnd(width)}  attempt ${attempt}: ${text}`,
    );
    const idle = [...this.steps.values()].filter((step) => step.attempts === 0);
    const never = idle.map((step) => `         —   ${step.name.padEnd(width)}  never ran`);
    return [`task ${this.status} after ${this.duration} s`, ...ran, ...never].join('\n');
  }
}

/** What {@link runWorkflow} runs. */
export interface WorkflowOptions {
  /** The task context. */
  context?: Mapping;
  /** By callable name, or a list of handlers, which know their names. */
  handlers: Readonly<Record<string, TestHandler>> | readonly Handler[];
}

/**
 * Runs a task template in memory: no server, no database, no waiting.
 *
 * Steps run one at a time, as in one worker; steps that are ready together run in the order of the template. Retries
 * follow the template's `retry` on a virtual clock. Decisions, convergence, batches and checkpoints follow the rules of
 * Core's server; where these differ from what the template seems to say, `problems` tells, and the matcher
 * `toCompleteWorkflow` fails.
 *
 * @param template - a YAML file, or its parsed content.
 * @throws {@link TemplateProblem} the template cannot be read, or Core would refuse or never finish it.
 * @example
 * ```ts
 * const run = await runWorkflow('config/tasks/order.yaml', {
 *   context: { order_id: 7 },
 *   handlers: { 'shop.charge': () => ({ charged: true }) },
 * });
 * expect(run).toCompleteWorkflow();
 * expect(run.step('charge').result).toEqual({ charged: true });
 * ```
 */
export async function runWorkflow(template: string | Mapping, options: WorkflowOptions): Promise<WorkflowRun> {
  const spec = loadTemplate(template);
  const { handlers } = options;
  const byName: Record<string, TestHandler> = Array.isArray(handlers)
    ? Object.fromEntries(handlers.map((handler: Handler) => [nameOf(handler), handler]))
    : { ...(handlers as Record<string, TestHandler>) };
  return new Engine(spec, json(options.context ?? {}), byName).run();
}

/** One worker and one server, without anything between them. */
class Engine {
  readonly #graph: TaskGraph;
  readonly #run = new WorkflowRun();
  readonly #queue: Node[] = [];
  readonly #enqueued = new Set<Node>();
  #waiting: { at: number; node: Node }[] = [];
  #failed: TaskStatus | undefined;

  constructor(
    private readonly spec: TemplateSpec,
    private readonly context: Mapping,
    private readonly handlers: Record<string, TestHandler>,
  ) {
    this.#graph = new TaskGraph(spec);
  }

  async run(): Promise<WorkflowRun> {
    this.#enqueueReady();
    for (let node = this.#next(); node; node = this.#next()) {
      await this.#execute(node);
      this.#finalize();
    }
    if (this.#failed) this.#run.status = this.#failed;
    else if ([...this.#graph.nodes.values()].every((node) => node.state === 'complete')) this.#run.status = 'complete';
    for (const node of this.#graph.nodes.values()) this.#step(node);
    return this.#run;
  }

  #next(): Node | undefined {
    const node = this.#queue.shift();
    if (node || this.#failed || this.#waiting.length === 0) return node;
    // Sorting is stable: of those that are due together, the one that failed first.
    this.#waiting.sort((a, b) => a.at - b.at);
    const due = this.#waiting.shift();
    if (!due) return undefined;
    this.#run.duration = due.at;
    due.node.state = 'pending';
    return due.node;
  }

  #step(node: Node): StepRun {
    const step: StepRun = this.#run.steps.get(node.name) ?? {
      name: node.name,
      templateStep: node.spec.name,
      state: 'pending',
      attempts: 0,
      result: undefined,
      error: undefined,
      errorType: undefined,
      delays: [],
      checkpoints: [],
      idempotencyKey: crypto.randomUUID(),
    };
    this.#run.steps.set(node.name, step);
    return Object.assign(step, { state: node.state, attempts: node.attempts, result: node.result });
  }

  #enqueueReady(): void {
    for (const node of this.#graph.nodes.values()) this.#step(node);
    for (const node of this.#graph.ready()) {
      if (this.#enqueued.has(node)) continue;
      this.#enqueued.add(node);
      this.#queue.push(node);
    }
  }

  /** Core looks at the whole task after every result: once a step has failed nothing new starts. */
  #finalize(): void {
    if ([...this.#graph.nodes.values()].some((node) => node.state === 'error')) {
      this.#failed = this.#failed ? 'error' : 'blocked_by_failures';
    } else {
      this.#enqueueReady();
    }
  }

  async #execute(node: Node): Promise<void> {
    if (node.attempts === 0) {
      this.#run.order.push(node.name);
      const problem = this.#graph.earlyStart(node);
      if (problem) this.#run.problems.push(problem);
    }
    const { checkpoints } = this.#step(node);
    let outcome = await this.#call(node);
    while (outcome.outcome === 'checkpoint') {
      if (checkpoints.push(outcome.checkpoint.cursor) > MAX_CHECKPOINTS) {
        throw new Error(`step '${node.name}' yielded ${MAX_CHECKPOINTS} checkpoints and did not end`);
      }
      this.#record(node, node.attempts + 1, `checkpoint at ${outcome.checkpoint.cursor}`);
      outcome = await this.#call(node, outcome.checkpoint);
    }
    node.attempts += 1;
    if (outcome.outcome === 'complete') this.#complete(node, outcome.result);
    else this.#fail(node, outcome);
  }

  #call(node: Node, checkpoint?: Extract<StepOutcome, { outcome: 'checkpoint' }>['checkpoint']): Promise<StepOutcome> {
    const name = node.spec.callable;
    const handler = this.handlers[name];
    if (!handler) return Promise.resolve(notFound(name, Object.keys(this.handlers)));
    const complete = this.#graph.ancestors(node).filter((other) => other.state === 'complete');
    const context = stepContext({
      handler: name,
      taskName: this.spec.name,
      context: this.context,
      results: Object.fromEntries(complete.map((other) => [other.name, other.result])),
      config: node.spec.initialization,
      inputs: node.inputs,
      attempts: node.attempts,
      maxAttempts: node.spec.maxAttempts,
      checkpoint,
      stepName: node.name,
      templateStepName: node.spec.name,
      idempotencyKey: this.#step(node).idempotencyKey,
    });
    return runStep(handler, context);
  }

  #complete(node: Node, result: Mapping): void {
    node.state = 'complete';
    node.result = result;
    Object.assign(this.#step(node), { error: undefined, errorType: undefined });
    this.#record(node, node.attempts, 'complete');
    try {
      this.#follow(node, result);
    } catch (refused) {
      if (!(refused instanceof OutcomeRefused)) throw refused;
      const text = `${refused.message} (Core only logs this and goes on: the task completes without them)`;
      this.#run.problems.push(text);
    }
  }

  /** Creates what a decision or a batch asks for. */
  #follow(node: Node, result: Mapping): void {
    const kinds = { decision: 'decision_point_outcome', batchable: 'batch_processing_outcome' } as const;
    const type = node.spec.type;
    if (type !== 'decision' && type !== 'batchable') return;
    const outcome = outcomeOf(result, kinds[type]);
    if (!outcome) throw new OutcomeRefused(`${type} '${node.name}' returned no ${kinds[type]}`);
    if (type === 'decision') this.#graph.decide(node, outcome);
    else this.#graph.expand(node, outcome);
  }

  #fail(node: Node, failure: Extract<StepOutcome, { outcome: 'failed' }>): void {
    const { spec } = node;
    const again = failure.retryable && spec.retryable && node.attempts < spec.maxAttempts;
    node.state = again ? 'waiting_for_retry' : 'error';
    const step = Object.assign(this.#step(node), { error: failure.error, errorType: failure.errorType });
    let text = `${failure.errorType}: ${failure.error.split('\n', 1)[0]}`;
    if (again) {
      const delay = failure.retryAfter ?? backoff(spec.retry, node.attempts);
      step.delays.push(delay);
      text += ` (again in ${delay} s)`;
      this.#waiting.push({ at: this.#run.duration + delay, node });
    }
    this.#record(node, node.attempts, text);
  }

  #record(node: Node, attempt: number, text: string): void {
    this.#run.timeline.push({ at: this.#run.duration, step: node.name, attempt, text });
  }
}

/** What Core answers for a callable that nobody registered, with a hint for the test. */
function notFound(name: string, known: string[]): StepOutcome {
  return {
    outcome: 'failed',
    error: `no handler '${name}' is registered (registered: ${known.join(', ') || 'none'}); add it to handlers`,
    errorType: 'handler_not_found',
    retryable: false,
    code: undefined,
    retryAfter: undefined,
  };
}
