/** The README's code is run as it is written. */

import { expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dir, '..');
const blocks = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(
  (match) => match[1]!,
);
const tested = blocks.filter((block) => block.includes("from 'bun:test'"));

test('there are tests in it', () => expect(tested.length).toBeGreaterThan(0));

test.each(tested.map((block, index) => [index, block] as const))('test %d passes', (_, block) => {
  const folder = mkdtempSync(join(tmpdir(), 'tasker-readme-'));
  // The sources, so that the test needs no build.
  const source = block.replaceAll("'tasker-contrib-bun/testing'", `'${root}/src/testing/index.ts'`);
  writeFileSync(join(folder, 'readme.test.ts'), source);
  const run = Bun.spawnSync([process.execPath, 'test', 'readme.test.ts'], { cwd: folder, stderr: 'pipe' });
  rmSync(folder, { recursive: true, force: true });
  expect(run.exitCode, run.stderr.toString()).toBe(0);
});
