import { expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadTemplates, missingHandlers, readTemplate, stepsWithoutTimeout, unusedHandlers } from '../src/templates.ts';

// Tests must pass on a loaded machine.
setDefaultTimeout(60_000);

const handler = (callable: string) => ({ callable });
const template = (steps: unknown[], more = {}) => ({
  name: 't',
  namespace_name: 'n',
  version: '1.0.0',
  steps,
  ...more,
});

test('steps without timeout_seconds are named once for each template, with the reason and the fix', () => {
  const step = (name: string, more = {}) => ({ name, handler: handler('x'), ...more });
  const limited = readTemplate(template([step('a', { timeout_seconds: 5 })]), 'good.yaml', []);
  const one = readTemplate(template([step('a', { timeout_seconds: 5 }), step('b')]), 'one.yaml', []);
  const two = readTemplate(template([step('a'), step('b')]), 'two.yaml', []);
  const [first, second, ...more] = stepsWithoutTimeout([limited, one, two]);
  expect(more).toEqual([]);
  expect(first).toStartWith("one.yaml: step 'b' has no timeout_seconds, so nothing ends a handler that hangs");
  expect(first).toContain('add `timeout_seconds: 60`');
  expect(second).toStartWith("two.yaml: steps 'a', 'b' have no timeout_seconds");
});

test('what has no effect in TypeScript is a problem', () => {
  const problems: string[] = [];
  readTemplate(template([{ name: 'a', handler: { callable: 'x', method: 'm' } }]), 't.yaml', problems);
  expect(problems).toEqual(["t.yaml: step 'a': handler.method and handler.resolver have no effect; remove them"]);
});

test('callables and handlers are compared both ways', () => {
  const read = readTemplate(template([{ name: 'a', handler: handler('shop.prise') }]), 't.yaml', []);
  expect(missingHandlers([read], ['shop.price', 'shop.prise'])).toEqual([]);
  expect(missingHandlers([read], ['shop.price'])).toEqual([
    "t.yaml: step 'a': no handler 'shop.prise' is registered (did you mean shop.price?)",
  ]);
  expect(unusedHandlers([read], ['shop.prise'])).toEqual([]);
  expect(unusedHandlers([read], ['shop.price'])).toEqual([
    "no task template uses handler 'shop.price'; a step uses it with `handler: {callable: shop.price}`",
  ]);
});

test('a folder that is missing or empty is named', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tasker-test-'));
  const problems: string[] = [];
  loadTemplates(join(folder, 'missing'), problems);
  loadTemplates(folder, problems);
  rmSync(folder, { recursive: true });
  expect(problems[0]).toContain('TASKER_TEMPLATE_PATH');
  expect(problems[1]).toContain('has no template');
});
