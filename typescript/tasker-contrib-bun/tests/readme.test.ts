import { expect, test } from 'bun:test';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dir, '..');
const blocks = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```ts\n(.*?)```/gs)].map(
  (match) => match[1],
);

/** The entry points as the package publishes them, in its source. */
function toSource(text: string): string {
  return text
    .replaceAll("'tasker-contrib-bun/client'", "'../../../src/client.ts'")
    .replaceAll("'tasker-contrib-bun/testing'", "'../../../src/testing/index.ts'")
    .replaceAll("'tasker-contrib-bun'", "'../../../src/index.ts'");
}

test('every block of the README type-checks and runs', () => {
  expect(blocks.length).toBe(5);
  const folder = join(root, `tests/fixtures/readme-${process.pid}`);
  mkdirSync(join(folder, 'handlers'), { recursive: true });
  try {
    blocks.forEach((block, index) => {
      // Other ports than a developer's.
      writeFileSync(join(folder, `block${index}.ts`), `${toSource(block ?? '')}\nexport {};\n`.replace('3000', '0'));
    });
    const config = {
      extends: '../../../tsconfig.json',
      compilerOptions: { noUnusedLocals: false },
      include: ['*.ts'],
      exclude: [],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = Bun.spawnSync([join(root, 'node_modules/.bin/tsc'), '-p', folder], { cwd: root });
    expect(tsc.stdout.toString()).toBe('');
    for (let index = 0; index < blocks.length; index++) {
      const code = `await import('./block${index}.ts'); process.exit(0);`;
      const run = Bun.spawnSync([process.execPath, '-e', code], { cwd: folder, env: { PATH: process.env.PATH } });
      expect([index, run.exitCode, run.stderr.toString()]).toEqual([index, 0, '']);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 180_000);
