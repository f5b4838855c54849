import { expect, setDefaultTimeout, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

// Tests must pass on a loaded machine.
setDefaultTimeout(60_000);

const source = join(import.meta.dir, '../src');

/** Files → the files that they import, types included: a type that needs its user's file is in the wrong file. */
function imports(): Map<string, string[]> {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return new Map(
    files.map((file) => {
      const { importedFiles } = ts.preProcessFile(readFileSync(join(source, file), 'utf8'));
      const own = importedFiles.map(({ fileName }) => fileName).filter((name) => /^\..*\.ts$/.test(name));
      return [file, own.map((name) => join(dirname(file), name))];
    }),
  );
}

/** The first import cycle, from a file to itself. */
function cycle(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): string[] => {
    const start = trail.indexOf(file);
    if (start >= 0) return [...trail.slice(start), file];
    if (done.has(file)) return [];
    for (const next of graph.get(file) ?? []) {
      const found = visit(next, [...trail, file]);
      if (found.length) return found;
    }
    done.add(file);
    return [];
  };
  for (const file of graph.keys()) {
    const found = visit(file, []);
    if (found.length) return found;
  }
  return [];
}

test('no file of src imports itself over others, not even for types', () => {
  const graph = imports();
  expect(graph.get('server.ts')).toContain('server-options.ts');
  expect([...graph.values()].flat().filter((file) => !graph.has(file))).toEqual([]);
  expect(cycle(graph)).toEqual([]);
});

test('a cycle would be found', () => {
  const graph = new Map([
    ['a', ['b', 'c']],
    ['b', []],
    ['c', ['d']],
    ['d', ['c']],
  ]);
  expect(cycle(graph)).toEqual(['c', 'd', 'c']);
});

test('every file of tests sets its timeout: what a preload sets counts for the first file only', () => {
  const files = readdirSync(import.meta.dir, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.test.ts'),
  );
  expect(files.length).toBeGreaterThan(10);
  const without = files.filter(
    (file) => !/^setDefaultTimeout\(/m.test(readFileSync(join(import.meta.dir, file), 'utf8')),
  );
  expect(without).toEqual([]);
});
