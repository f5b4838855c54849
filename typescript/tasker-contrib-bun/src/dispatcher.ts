/**
 * Takes claimed steps from the native worker, executes them, and reports how they ended.
 *
 * Core's own loop drops steps above its concurrency, answers every step that takes more than about 30 seconds as failed while
 * its handler goes on, and retries without a delay. This one takes a step only when a slot is free, enforces
 * `timeout_seconds`, sends the template's back-off along, and answers every step exactly once. Core's `cleanupTimeouts` is
 * never called.
 */

import type { BranchCheck } from './branches.ts';
import {
  CUT_RETRY_SECONDS,
  completion,
  finalIfTemplateSaysSo,
  retryAfter,
  stoppedOutcome,
  timeoutOf,
} from './completion.ts';
import { ERROR_TYPES, type EventBase } from './contract.ts';
import { forwardDomainEvents } from './domain-events.ts';
import type { TaskerEvents } from './events.ts';
import { LoopLag } from './loop-lag.ts';
import type { Metrics } from './metrics.ts';
import type { Core, NativeModule, NativeStep } from './native.ts';
import { type Failure, failed, type Handler, invoke, type Outcome, thrown } from './outcome.ts';
import type { HandlersOfStart } from './registry.ts';
import { messageOf } from './storable.ts';
import { didYouMean } from './suggest.ts';

const POLL_MS = 10;
const GRACE_MS = 500;
const RECENT_MS = 5000;

/** A step that was interrupted when the worker stopped. Core tries it again. */
export interface CutStep {
  step: string;
  handler: string;
  taskUuid: string;
  stepUuid: string;
}

interface Running {
  event: NativeStep;
  handler: string;
  attempt: number;
  began: number;
  abort: AbortController;
  answered: boolean;
  hung: boolean;
}

/** One per native worker. */
export class Dispatcher {
  /** Replaced by a hot reload, like the handlers. */
  checkBranches: BranchCheck = (_, outcome) => outcome;
  readonly #running = new Map<string, Running>();
  readonly #recent = new Map<string, { taskUuid: string; stepUuid: string; at: number }>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #accepting = true;
  #stopped = false;
  #idle: (() => void)[] = [];
  readonly #lag = new LoopLag();

  constructor(
    private readonly native: NativeModule,
    private readonly core: Core,
    /** Replaced by a hot reload. */
    public handlers: HandlersOfStart,
    private readonly concurrency: number,
    private readonly workerId: string,
    private readonly events: TaskerEvents,
    private readonly metrics: Metrics,
  ) {
    metrics.gauges = () => ({
      handlersInFlight: this.#running.size,
      handlersCapacity: this.#stopped ? 0 : concurrency,
      handlersHung: this.hung().length,
      eventLoopLag: this.#lag.seconds,
      workerDraining: this.#accepting ? 0 : 1,
    });
  }

  /** Begin to take steps. */
  start(): void {
    const turn = () => {
      let busy = false;
      try {
        busy = this.#turn();
      } catch (error) {
        // If the loop ended, the worker would look alive and do nothing.
        console.error(`tasker: the dispatcher failed and goes on: ${messageOf(error)}`);
      }
      if (!this.#stopped) this.#timer = setTimeout(turn, busy ? 1 : POLL_MS);
    };
    turn();
    this.#lag.start();
  }

  /** Steps that run, hung ones included. */
  get inFlight(): number {
    return this.#running.size;
  }

  /** Handlers that exceeded their timeout and still run, as text. */
  hung(): string[] {
    return [...this.#running.values()].filter((step) => step.hung).map((step) => describe(step));
  }

  /** Take no more steps. */
  pause(): void {
    this.#accepting = false;
  }

  /** Wait until every step is answered; false when the time was over. */
  async idle(timeoutMs: number): Promise<boolean> {
    if (!this.#unanswered().length) return true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ended = await Promise.race([
      new Promise<boolean>((resolve) => this.#idle.push(() => resolve(true))),
      new Promise<boolean>((resolve) => {
        timer = setTimeout(() => resolve(false), timeoutMs);
      }),
    ]);
    clearTimeout(timer);
    return ended;
  }

  /** Interrupt what runs; Core tries it again. */
  cut(): CutStep[] {
    this.pause();
    return this.#unanswered().map((step) => {
      this.#answer(step, stoppedOutcome('in the middle of this attempt'), 'cut');
      step.abort.abort(new Error('the worker was stopped'));
      const { taskUuid, stepUuid, workflowStep } = step.event;
      return { step: workflowStep.name, handler: step.handler, taskUuid, stepUuid };
    });
  }

  /** Hand back what was claimed and not begun; their number. */
  returnUnstarted(): number {
    let count = 0;
    for (let event = this.native.pollStepEvents(); event; event = this.native.pollStepEvents()) {
      this.#complete(event, stoppedOutcome('before the step began'), 0, CUT_RETRY_SECONDS);
      count++;
    }
    return count;
  }

  /** Steps that were answered within the last seconds. */
  recent(): { taskUuid: string; stepUuid: string }[] {
    return [...this.#recent.values()].filter(({ at }) => performance.now() - at < RECENT_MS);
  }

  /** End the loop. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#lag.stop();
  }

  #unanswered(): Running[] {
    return [...this.#running.values()].filter((step) => !step.answered);
  }

  #turn(): boolean {
    let busy = false;
    while (this.#accepting && this.#running.size < this.concurrency) {
      const event = this.native.pollStepEvents();
      if (!event) break;
      busy = true;
      void this.#execute(event);
    }
    forwardDomainEvents(this.native, this.events);
    return busy || this.#running.size > 0;
  }

  async #execute(event: NativeStep): Promise<void> {
    const step: Running = {
      event,
      handler: event.stepDefinition.handlerCallable,
      attempt: (event.workflowStep.attempts ?? 0) + 1,
      began: performance.now(),
      abort: new AbortController(),
      answered: false,
      hung: false,
    };
    this.#running.set(event.eventId, step);
    this.events.emit('step:started', { handler: step.handler, attempt: step.attempt }, base(event));
    const handler = this.handlers.get(step.handler);
    const limit = timeoutOf(event, handler);
    let grace: ReturnType<typeof setTimeout> | undefined;
    const timer =
      limit === undefined
        ? undefined
        : setTimeout(() => {
            step.abort.abort(new DOMException(`timeout of ${limit} ms`, 'TimeoutError'));
            grace = setTimeout(() => {
              step.hung = true;
              this.#timeOut(step, limit);
            }, GRACE_MS);
          }, limit);
    const outcome = await this.#outcome(step, handler);
    clearTimeout(timer);
    clearTimeout(grace);
    const timedOut = step.abort.signal.aborted && limit !== undefined && !step.answered;
    if (timedOut) this.#timeOut(step, limit);
    else this.#answer(step, outcome);
    if (step.hung) console.warn(`tasker: a hung handler returned: ${describe(step)}`);
    this.#running.delete(event.eventId);
    if (this.#accepting && !this.#stopped) this.#turnSoon();
  }

  async #outcome({ event, handler: name, abort }: Running, handler: Handler | undefined): Promise<Outcome> {
    if (!handler) return this.#missing(name);
    const outcome = await invoke(handler, event, abort.signal, this.core);
    try {
      return this.checkBranches(event, outcome);
    } catch (error) {
      return thrown(error);
    }
  }

  /** A slot is free: the next step need not wait for the timer. */
  #turnSoon(): void {
    queueMicrotask(() => {
      try {
        if (!this.#stopped) this.#turn();
      } catch (error) {
        console.error(`tasker: the dispatcher failed and goes on: ${messageOf(error)}`);
      }
    });
  }

  #missing(name: string): Outcome {
    const known = [...this.handlers.keys()];
    if (this.handlers.isLate?.(name)) {
      // Core would fail it for good; the next start of this process has the handler.
      const message = `handler '${name}' was added after the start; handlers are read once: restart, or give it to new TaskerServer({ handlers })`;
      return failed(message, ERROR_TYPES.notFound, true);
    }
    return failed(`no handler '${name}' is registered${didYouMean(name, known)}`, ERROR_TYPES.notFound, false);
  }

  #timeOut(step: Running, limitMs: number): void {
    if (step.answered) return;
    const data = { handler: step.handler, attempt: step.attempt, timeoutSeconds: limitMs / 1000, hung: step.hung };
    this.events.emit('step:timed-out', data, base(step.event));
    if (step.hung) console.error(`tasker: ${describe(step)} exceeded ${limitMs} ms, ignores its signal and goes on`);
    const outcome = failed(`the handler exceeded its timeout of ${limitMs / 1000} s`, ERROR_TYPES.timeout, true);
    this.#answer(step, outcome, 'timed_out');
  }

  #answer(step: Running, given: Outcome, word?: string): void {
    if (step.answered) return;
    step.answered = true;
    const { event } = step;
    const durationMs = performance.now() - step.began;
    const common = { handler: step.handler, attempt: step.attempt, durationMs };
    const outcome = this.#checkpoint(event, finalIfTemplateSaysSo(event, given));
    let counted = word;
    if (outcome.checkpoint) {
      const { cursor, itemsProcessed } = outcome.checkpoint;
      this.events.emit('step:checkpointed', { ...common, cursor, itemsProcessed }, base(event));
      counted ??= 'checkpointed';
    } else {
      const after = retryAfter(event, step.attempt, outcome, word === 'cut');
      const { failure } = this.#complete(event, outcome, durationMs, after);
      if (failure) this.#report(step, failure, failure.retryable ? after : null, durationMs);
      else this.events.emit('step:completed', common, base(event));
      counted ??= failure ? (failure.retryable ? 'retryable' : 'failed') : 'completed';
    }
    this.metrics.count('handlerExecutions', step.handler, counted);
    this.metrics.duration(step.handler, durationMs / 1000);
    if (!this.#unanswered().length) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #report(step: Running, failure: Failure, after: number | null, durationMs: number): void {
    const { errorType, message, retryable } = failure;
    const again = retryable ? `again in ${after} s` : 'no retry';
    console.warn(`tasker: ${describe(step)} failed (attempt ${step.attempt}, ${again}): ${message}`);
    const common = { handler: step.handler, attempt: step.attempt, durationMs };
    this.events.emit('step:failed', { ...common, errorType, message, retryable, retryAfter: after }, base(step.event));
  }

  /** Stores a checkpoint; the outcome of the step is then that, else a failure. Other outcomes are left as they are. */
  #checkpoint(event: NativeStep, outcome: Outcome): Outcome {
    if (!outcome.checkpoint) return outcome;
    const { cursor, itemsProcessed, accumulated } = outcome.checkpoint;
    const data = { stepUuid: event.stepUuid, cursor, itemsProcessed, accumulatedResults: accumulated };
    let why = 'only a batch_worker step can have one';
    try {
      if (this.native.checkpointYieldStepEvent(event.eventId, data)) return outcome;
    } catch (error) {
      why = messageOf(error);
    }
    return failed(`Core did not store the checkpoint: ${why}`, ERROR_TYPES.validation, false);
  }

  /** Sends the end of a step. A result that Core refuses becomes a failure: without an answer the step would never end. */
  #complete(event: NativeStep, outcome: Outcome, durationMs: number, after: number | null): Outcome {
    const send = (given: Outcome, delay: number | null): Outcome => {
      const result = completion(event, given, durationMs, delay, this.workerId);
      if (this.native.completeStepEvent(event.eventId, result)) return given;
      console.error(`tasker: Core did not accept the end of step ${event.stepUuid}`);
      return failed('Core did not accept the end of the step', ERROR_TYPES.workerStopped, false);
    };
    let sent: Outcome;
    try {
      sent = send(outcome, after);
    } catch (error) {
      sent = failed(`Core refused the result: ${messageOf(error)}`, ERROR_TYPES.validation, false);
      try {
        sent = send(sent, null);
      } catch (again) {
        console.error(`tasker: the end of step ${event.stepUuid} cannot be handed to Core: ${messageOf(again)}`);
      }
    }
    this.#remember(event);
    return sent;
  }

  #remember({ taskUuid, stepUuid }: NativeStep): void {
    const now = performance.now();
    // Oldest first.
    for (const [key, { at }] of this.#recent) {
      if (now - at <= RECENT_MS) break;
      this.#recent.delete(key);
    }
    this.#recent.delete(stepUuid);
    this.#recent.set(stepUuid, { taskUuid, stepUuid, at: now });
  }
}

function base(event: NativeStep): Partial<EventBase> {
  return {
    taskUuid: event.taskUuid,
    stepUuid: event.stepUuid,
    step: event.workflowStep.name,
    namespace: event.task.namespace,
    correlationId: event.correlationId,
  };
}

function describe(step: Running): string {
  const { event } = step;
  return `step '${event.workflowStep.name}' (handler '${step.handler}', task ${event.taskUuid}, step ${event.stepUuid})`;
}
