/** Every shared case, run in memory. */

import { expect, setDefaultTimeout, test } from 'bun:test';
import { matchers, runWorkflow, type WorkflowRun } from '../../src/testing/index.ts';
import { caseNames, loadCase, scripted, type WorkflowCase } from './scripted.ts';

// Tests must pass on a loaded machine.
setDefaultTimeout(60_000);

expect.extend(matchers);

function runCase({ template, context, handlers }: WorkflowCase): Promise<WorkflowRun> {
  const byName = Object.fromEntries(Object.entries(handlers).map(([name, script]) => [name, scripted(script)]));
  return runWorkflow(template, { context, handlers: byName });
}

test.each(caseNames())('%s', async (name) => {
  const wanted = loadCase(name);
  const run = await runCase(wanted);
  expect([wanted.expect.status].flat(), `${run}`).toContain(run.status);
  if (wanted.expect.order) expect(run.order).toEqual(wanted.expect.order);
  for (const [name, { error, delays, ...rest }] of Object.entries(wanted.expect.steps ?? {})) {
    expect(run.step(name) as object).toMatchObject(rest);
    if (error !== undefined) expect(run.step(name).error).toContain(error);
    if (delays) expect(run.step(name).delays).toEqual(delays);
  }
  for (const absent of wanted.expect.absent ?? []) expect(run.steps.has(absent), absent).toBe(false);
  const problems = wanted.expect.problems ?? [];
  expect(run.problems).toHaveLength(problems.length);
  for (const [index, part] of problems.entries()) expect(run.problems[index]).toContain(part);
  if (problems.length > 0) {
    expect(() => expect(run).toCompleteWorkflow()).toThrow('would not run this template as it is written');
  }
});

test('there are cases', () => expect(caseNames().length).toBeGreaterThan(15));

test('a run is the same every time', async () => {
  const wanted = loadCase('decision_route');
  expect(`${await runCase(wanted)}`).toBe(`${await runCase(wanted)}`);
});
