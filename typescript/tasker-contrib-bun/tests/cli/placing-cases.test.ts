import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { YAML } from 'bun';
import { checkName } from '../../src/cli/names.ts';
import { plan, planUndo, type RenderedFile, type Rule, undo, write } from '../../src/cli/place.ts';
import { CliProblem } from '../../src/cli/problem.ts';

// Tests must pass on a loaded machine.
setDefaultTimeout(60_000);

type Files = Record<string, string>;
interface Step {
  generate?: Files;
  undo?: Files;
  write?: Files;
  rule: Rule;
  answers?: Record<string, boolean>;
  dry_run?: boolean;
  expect?: Record<string, string>;
  error?: keyof typeof ERRORS;
  names?: string[];
}

const folder = join(import.meta.dir, '../../../../xtask/contract/placing-cases');
const read = (file: string) => YAML.parse(readFileSync(join(folder, file), 'utf8')) as any;
const cases = readdirSync(folder).filter((file) => file.endsWith('.yaml') && file !== 'names.yaml');
const scratch = mkdtempSync(join(tmpdir(), 'tasker-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const ERRORS = {
  conflict: 'exist with other content, nothing was written',
  outside: 'refusing to write outside',
  twice: 'two generated files have the same path',
  in_the_way: /is a folder|is a file/,
};

function put(root: string, files: Files = {}): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(name.endsWith('/') ? path : dirname(path), { recursive: true });
    if (!name.endsWith('/')) writeFileSync(path, text);
  }
}

function tree(root: string): Files {
  const all = readdirSync(root, { recursive: true, encoding: 'utf8' });
  const files = all.filter((path) => statSync(join(root, path)).isFile());
  return Object.fromEntries(files.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}

const files = (given: Files = {}): RenderedFile[] =>
  Object.entries(given).map(([path, content]) => ({ path, content }));

function act(root: string, step: Step): [string, string][] {
  const { answers, dry_run: isDry = false } = step;
  if (step.undo) {
    const undone = planUndo(root, files(step.undo));
    if (!isDry) undo(root, undone);
    return Object.keys(step.undo).map((path, index) => [path, undone[index]?.fate ?? '']);
  }
  const ask = isDry ? () => false : answers && ((path: string) => answers[relative(root, path)] ?? false);
  const placed = plan(root, files(step.generate), step.rule, ask);
  if (!isDry) write(placed);
  return placed.map(({ path, verdict }) => [relative(root, path), isDry && verdict === 'skip' ? 'conflict' : verdict]);
}

test('there are cases', () => expect(cases.length).toBeGreaterThan(9));

test.each(cases)('%s', (file) => {
  const what = read(file);
  const root = join(scratch, file, 'project');
  const outside = join(scratch, file, 'outside');
  mkdirSync(root, { recursive: true });
  put(outside, { 'file.txt': 'theirs\n' });
  put(root, what.before);
  for (const [link, target] of Object.entries<string>(what.links ?? {})) symlinkSync(target, join(root, link));
  for (const step of what.steps as Step[]) {
    if (step.write) put(root, step.write);
    else if (!step.error) expect(act(root, step)).toEqual(Object.entries(step.expect ?? {}));
    else {
      let problem: unknown;
      try {
        act(root, step);
      } catch (error) {
        problem = error;
      }
      expect(problem).toBeInstanceOf(CliProblem);
      const { message } = problem as CliProblem;
      expect(message).toMatch(ERRORS[step.error]);
      for (const name of step.names ?? []) expect(message).toContain(name);
    }
  }
  for (const [link, target] of Object.entries<string>(what.links ?? {})) {
    expect(lstatSync(join(root, link)).isSymbolicLink()).toBe(true);
    if (target.startsWith('../outside')) rmSync(join(root, link));
  }
  expect(tree(root)).toEqual(what.after);
  expect(tree(outside)).toEqual({ 'file.txt': 'theirs\n' });
  const kept = Object.keys(what.before ?? {}).map((path) => path.replace(/\/$/, ''));
  const all = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => !kept.includes(path));
  const empty = all.filter((path) => statSync(join(root, path)).isDirectory() && !readdirSync(join(root, path)).length);
  expect(empty).toEqual([]);
});

describe('names', () => {
  const { accepted, refused } = read('names.yaml') as { accepted: string[]; refused: string[] };
  test.each(accepted)('%s is accepted', (name) => expect(checkName(name)).toBe(name));
  test.each(refused)('%p is refused', (name) => expect(() => checkName(name)).toThrow(CliProblem));
  test('words of TypeScript are refused', () => expect(() => checkName('delete')).toThrow('a word of TypeScript'));
});
