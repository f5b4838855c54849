import { expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

function found(content: unknown): string {
  const problems: string[] = [];
  readTemplate(content, 't.yaml', problems);
  return problems.join('\n');
}

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

test('what Core would ignore or die of is a problem', () => {
  const a = { name: 'a', handler: handler('x') };
  expect(found(template([a]))).toBe('');
  expect(found(template([{ ...a, timeout: 3 }]))).toContain("unknown key 'timeout', which Core would ignore");
  expect(found(template([a], { version: 1 }))).toContain('version must be a text');
  expect(found(template([a], { namespace_name: 'n'.repeat(30) }))).toContain("a queue's name");
  expect(found(template([a, a]))).toContain("step 'a' is defined twice");
  expect(found(template([{ ...a, dependencies: ['b'] }]))).toContain("unknown step 'b'");
  const circle = [
    { ...a, dependencies: ['b'] },
    { name: 'b', handler: handler('y'), dependencies: ['a'] },
  ];
  expect(found(template(circle))).toContain('dependency cycle: a -> b -> a');
  expect(found(template([{ ...a, type: 'decision' }]))).toContain('a decision needs at least one dependency');
  expect(found(template([{ ...a, type: 'batch_worker' }]))).toContain('Core would create no workers');
  expect(found(template([{ ...a, type: 'batchable' }]))).toContain('worker_template_name must name');
  expect(found(template([{ ...a, publishes_events: [{ name: 'x.y' }] }]))).toContain(
    'Core then refuses the whole file',
  );
  expect(found(template([{ ...a, handler: { callable: 'x', method: 'm' } }]))).toContain('have no effect');
  expect(found(['no'])).toContain('is not a task template');
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

test('a directory is read whole', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tasker-test-'));
  const problems: string[] = [];
  loadTemplates(join(folder, 'missing'), problems);
  loadTemplates(folder, problems);
  writeFileSync(join(folder, 'bad.yaml'), 'a: [');
  const text = JSON.stringify(template([{ name: 'a', handler: handler('x') }]));
  writeFileSync(join(folder, 'one.yaml'), text);
  writeFileSync(join(folder, 'two.yml'), text);
  expect(loadTemplates(folder, problems).length).toBe(2);
  rmSync(folder, { recursive: true });
  expect(problems[0]).toContain('TASKER_TEMPLATE_PATH');
  expect(problems[1]).toContain('has no template');
  expect(problems[2]).toContain('bad.yaml: is not valid YAML');
  expect(problems[3]).toContain('template n/t 1.0.0 is also in');
});
