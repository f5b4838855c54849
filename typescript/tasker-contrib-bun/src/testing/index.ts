/**
 * Tests of handlers and workflows without a server.
 *
 * @example
 * ```ts
 * import { expect, test } from 'bun:test';
 * import { matchers, runStep } from 'tasker-contrib-bun/testing';
 *
 * expect.extend(matchers);
 *
 * test('doubles', async () => {
 *   const step = await runStep((context) => ({ n: 2 * context.getInput<number>('n')! }), { context: { n: 4 } });
 *   expect(step).toComplete({ n: 8 });
 * });
 * ```
 *
 * @module
 */

export { type CheckpointRecord, type StepContextOptions, stepContext, type TestStepContext } from './context.ts';
export { FakeClient, type FakeClientOptions, fakeClient, type TaskEnd } from './fake-client.ts';
export type { StepState } from './graph.ts';
export { matchers } from './matchers.ts';
export { runStep, type StepOutcome, type TestHandler } from './step.ts';
export { TemplateProblem } from './template.ts';
export {
  runWorkflow,
  type StepRun,
  type TaskStatus,
  type TimelineEvent,
  type WorkflowOptions,
  WorkflowRun,
} from './workflow.ts';
