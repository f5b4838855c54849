/** The template cases that all languages share (`xtask/contract/template-cases`). */

import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { YAML } from 'bun';
import { loadTemplates } from '../src/templates.ts';

// Tests must pass on a loaded machine.
setDefaultTimeout(60_000);

type Content = string | { hex?: string; link?: string; nested?: number };

interface Case {
  name: string;
  steps?: unknown[];
  top?: object;
  files?: Record<string, Content>;
  says?: string[];
}

const contract = join(import.meta.dir, '../../../xtask/contract');
const file = YAML.parse(readFileSync(join(contract, 'template-cases/cases.yaml'), 'utf8')) as {
  base: object;
  cases: Case[];
};
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tasker-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, content: Content): void {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  if (typeof content === 'string') writeFileSync(path, content);
  else if (content.hex) writeFileSync(path, Buffer.from(content.hex, 'hex'));
  else if (content.link) symlinkSync(content.link, path);
  else if (content.nested) writeFileSync(path, `name: ${'['.repeat(content.nested)}${']'.repeat(content.nested)}`);
  else throw new Error(JSON.stringify(content));
}

test.each(file.cases.map((row) => [row.name, row] as const))('%s', (_, { steps, top, files, says }) => {
  const usual = [{ name: 'a', handler: { callable: 'x' } }];
  const written = files ?? { 'a.yaml': JSON.stringify({ ...file.base, steps: steps ?? usual, ...top }) };
  for (const [name, content] of Object.entries(written)) write(name, content);
  const problems: string[] = [];
  const templates = loadTemplates(folder, problems);
  if (!says) {
    expect(problems).toEqual([]);
    expect(templates).not.toEqual([]);
    return;
  }
  const fits = (problem: string) => says.every((word) => problem.toLowerCase().includes(word.toLowerCase()));
  expect(problems.some(fits), `${problems.join('\n')} has not ${says}`).toBe(true);
  const places = Object.keys(written).map((name) => join(folder, name));
  expect(problems.filter((problem) => !places.some((place) => problem.includes(place)))).toEqual([]);
});

test('the schema is that of the contract', () => {
  const name = 'task-template.schema.json';
  expect(readFileSync(join(import.meta.dir, '../src', name), 'utf8')).toBe(readFileSync(join(contract, name), 'utf8'));
});
