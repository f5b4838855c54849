/** A wrong request is answered with one sentence, and nothing is written. */

import { expect, setDefaultTimeout, test } from 'bun:test';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, emptyFolder, PATIENCE, ROOT } from './support.ts';

setDefaultTimeout(PATIENCE);

async function refused(cwd: string, ...args: string[]): Promise<string> {
  const { code, out, errors } = await create(cwd, ...args);
  expect([code, out, errors.split('\n').length]).toEqual([2, '', 2]);
  return errors;
}

test.each([
  [['../x'], 'is not a name for a project'],
  [['Claims'], 'is not a name for a project'],
  [['a--b'], 'is not a name for a project'],
  [['x'.repeat(41)], 'is not a name for a project'],
  [['a\nb'], 'is not a name for a project'],
  [[''], 'is not a name for a project'],
  [['class'], 'is a reserved word: choose another name, such as "class-service"'],
  [['tests'], 'is a reserved word'],
  [[], 'expected one name, got 0'],
  [['one', 'two'], 'expected one name, got 2'],
  [['--force'], 'there is no option --force'],
])('%p is refused', async (args, why) => {
  const folder = emptyFolder();
  expect(await refused(folder, ...args)).toContain(why);
  expect(readdirSync(join(folder, '..')).filter((name) => name === 'x')).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
});

test.each(['README.md', '.env'])('a folder with %s is left alone', async (name) => {
  const folder = emptyFolder();
  mkdirSync(join(folder, 'shop'));
  writeFileSync(join(folder, 'shop', name), 'mine');
  expect(await refused(folder, 'shop')).toBe(
    'error: shop exists and is not empty: choose another name, or remove it first.\n',
  );
  expect([readdirSync(folder), readdirSync(join(folder, 'shop'))]).toEqual([['shop'], [name]]);
  expect(readFileSync(join(folder, 'shop', name), 'utf8')).toBe('mine');
});

test('a file is left alone, and an empty folder is taken', async () => {
  const folder = emptyFolder();
  writeFileSync(join(folder, 'shop'), 'mine');
  await refused(folder, 'shop');
  expect(readFileSync(join(folder, 'shop'), 'utf8')).toBe('mine');
  mkdirSync(join(folder, 'store'));
  expect((await create(folder, 'store')).code).toBe(0);
  expect(readdirSync(folder).sort()).toEqual(['shop', 'store']);
});

test('help and version', async () => {
  expect((await create('/', '--help')).out).toContain('bun create tasker-bun NAME');
  expect((await create('/', '--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('the README has the commands that there are', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block?.trim().split('\n'));
  // What `support.ts` does, with another folder for the result.
  expect(blocks).toEqual([
    ['bun create tasker-bun claims-desk'],
    ['cd typescript/create-tasker-bun', 'npm ci', 'bun run build', 'bun dist/main.js claims-desk'],
  ]);
  const { bin, scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect([bin, scripts.build]).toEqual([{ 'create-tasker-bun': 'dist/main.js' }, 'bun scripts/build.ts']);
});
