/** A project made from the template passes its own checks. */

import { beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { cpSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { OLD } from '../src/project.ts';
import { create, emptyFolder, install, PATIENCE, succeed, TEMPLATE } from './support.ts';

setDefaultTimeout(PATIENCE);

const NAME = 'claims-desk';
const project = join(emptyFolder(), NAME);
const read = (path: string) => readFileSync(join(project, path), 'utf8');
const files = () =>
  readdirSync(project, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
    .map((entry) => join(entry.parentPath, entry.name).slice(project.length + 1));

beforeAll(async () => {
  const { code, out, errors } = await create(join(project, '..'), NAME);
  expect([code, errors]).toEqual([0, '']);
  expect(out).toBe(`${NAME} is made. Its README.md has the next three commands.\n`);
  await install(project);
  // As bin/setup does: Bun reads it, also in tests.
  cpSync(join(project, '.env.example'), join(project, '.env'));
});

test('no file has the old name', () => {
  expect(files().length).toBeGreaterThan(60);
  for (const path of files()) expect([path, read(path).includes(OLD)]).toEqual([path, false]);
  expect(JSON.parse(read('package.json')).name).toBe(NAME);
});

test("nothing of the template's repository is left", () => {
  for (const name of ['package-lock.json', '.npmrc', 'tests/template']) {
    expect(existsSync(join(TEMPLATE, name))).toBeTrue();
    expect(existsSync(join(project, name))).toBeFalse();
  }
  for (const path of ['package.json', 'tsconfig.json', 'bunfig.toml', 'biome.json']) {
    expect(read(path)).not.toMatch(/xtask|template only|\.\.\/|paths|@cfworker|@standard-schema|"yaml"/);
  }
});

test('what is run can be run', () => {
  for (const name of ['entrypoint', 'packages', 'setup']) {
    expect(statSync(join(project, 'bin', name)).mode & 0o777).toBe(0o755);
  }
});

test('the lock file is the one of its manifest', async () => {
  await succeed(project, process.execPath, 'install', '--frozen-lockfile', '--dry-run');
});

const tool = (name: string) => join(TEMPLATE, 'node_modules/.bin', name);

test.each([
  ['biome', [tool('biome'), 'check', '.']],
  ['tsc', [tool('tsc')]],
  ['bun test', [process.execPath, 'test', 'tests/unit']],
  ['check', [process.execPath, 'node_modules/tasker-contrib-bun/dist/cli/main.js', 'check']],
])('it passes %s', async (_, command) => {
  await succeed(project, ...command);
});
