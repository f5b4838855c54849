/** Matchers for `bun:test`: `expect.extend(matchers)`. */

import type { StepOutcome } from './step.ts';
import { isMapping } from './template.ts';
import { WorkflowRun } from './workflow.ts';

interface Verdict {
  pass: boolean;
  message: () => string;
}

function toComplete(received: unknown, expected?: object): Verdict {
  const step = received as StepOutcome;
  if (step?.outcome !== 'complete') {
    return verdict(false, `expected the step to complete, but ${describe(step)}`);
  }
  const pass = expected === undefined || contains(step.result, expected);
  return verdict(pass, `expected the result ${show(step.result)} ${pass ? 'not ' : ''}to contain ${show(expected)}`);
}

function toFailPermanently(received: unknown, message?: string | RegExp): Verdict {
  return failure(received as StepOutcome, false, message);
}

function toFailRetryably(received: unknown, message?: string | RegExp): Verdict {
  return failure(received as StepOutcome, true, message);
}

function toCompleteWorkflow(received: unknown): Verdict {
  if (!(received instanceof WorkflowRun)) return verdict(false, 'expected what runWorkflow() returns');
  if (received.problems.length > 0) {
    const list = received.problems.map((problem) => `  - ${problem}`).join('\n');
    return verdict(false, `the server would not run this template as it is written:\n${list}\n${received}`);
  }
  return verdict(
    received.status === 'complete',
    `expected the task to complete, but it is ${received.status}\n${received}`,
  );
}

function toHaveRun(received: unknown, ...names: string[]): Verdict {
  if (!(received instanceof WorkflowRun)) return verdict(false, 'expected what runWorkflow() returns');
  const places = names.map((name) => received.order.indexOf(name));
  const inOrder = places.every((place, index) => place >= 0 && (index === 0 || place > (places[index - 1] ?? -1)));
  return verdict(inOrder, `expected the order ${names.join(', ')}; called: ${received.order.join(', ')}\n${received}`);
}

/** For `expect.extend`. */
export const matchers = {
  /** The step completed, with a result that contains this. */
  toComplete,
  /** The step failed for good, with a message that contains or matches this. */
  toFailPermanently,
  /** The step failed and will be tried again, with a message that contains or matches this. */
  toFailRetryably,
  /** The task completed, and the server would run the template as it is written. */
  toCompleteWorkflow,
  /** These steps were called, in this order. */
  toHaveRun,
};

declare module 'bun:test' {
  interface Matchers<T> {
    /** The step completed; its result contains these keys and values, and may have more. */
    toComplete(result?: object): void;
    /** The step failed for good, with this in its message. */
    toFailPermanently(message?: string | RegExp): void;
    /** The step failed and would be tried again, with this in its message. */
    toFailRetryably(message?: string | RegExp): void;
    /** The task completed, and the server would have run it in the same way. */
    toCompleteWorkflow(): void;
    /** These steps were first called in this order; others may lie between. */
    toHaveRun(...steps: string[]): void;
  }
}

function failure(step: StepOutcome, retryable: boolean, message?: string | RegExp): Verdict {
  const kind = retryable ? 'a failure that is tried again' : 'a permanent failure';
  if (step?.outcome !== 'failed') return verdict(false, `expected ${kind}, but ${describe(step)}`);
  const fits =
    message === undefined || (typeof message === 'string' ? step.error.includes(message) : message.test(step.error));
  const wanted = message === undefined ? '' : ` with ${message}`;
  return verdict(fits && step.retryable === retryable, `expected ${kind}${wanted}, but ${describe(step)}`);
}

function describe(step: StepOutcome): string {
  if (!isMapping(step) || !('outcome' in step)) return `it is not what runStep() returns: ${show(step)}`;
  if (step.outcome === 'complete') return `it completed with ${show(step.result)}`;
  if (step.outcome === 'checkpoint') return `it stored a checkpoint at ${show(step.checkpoint.cursor)}`;
  return `it failed ${step.retryable ? '(retryable)' : '(permanent)'}: ${step.errorType}: ${step.error}`;
}

/** Objects may have more keys than expected; everything else must be equal. */
export function contains(found: unknown, expected: unknown): boolean {
  if (isMapping(expected)) {
    return isMapping(found) && Object.entries(expected).every(([key, value]) => contains(found[key], value));
  }
  if (Array.isArray(expected)) {
    return (
      Array.isArray(found) &&
      found.length === expected.length &&
      expected.every((value, index) => contains(found[index], value))
    );
  }
  return Object.is(found, expected);
}

function verdict(pass: boolean, text: string): Verdict {
  return { pass, message: () => text };
}

function show(value: unknown): string {
  return JSON.stringify(value);
}
