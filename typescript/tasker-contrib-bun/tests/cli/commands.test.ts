import { afterAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterGenerate } from '../../src/cli/next.ts';
import { CONFIG_KEYS } from '../../src/contract.ts';

// Tests must pass on a loaded machine.
setDefaultTimeout(60_000);

const root = join(import.meta.dir, '../..');
const scratch = mkdtempSync(join(tmpdir(), 'tasker-test-'));
const ctl = process.env.TASKER_CTL_BIN;
let project: string;
beforeEach(() => {
  project = mkdtempSync(join(scratch, 'project-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function cli(args: string[], env: Record<string, string> = ctl ? { TASKER_CTL: ctl } : {}) {
  const command = [process.execPath, join(root, 'src/cli/main.ts'), ...args];
  const done = Bun.spawnSync(command, { cwd: project, stdin: 'ignore', env: { PATH: process.env.PATH, ...env } });
  return { code: done.exitCode, out: done.stdout.toString(), errors: done.stderr.toString() };
}

const all = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true }).filter((entry) => entry.isFile())
    .length;

describe('what is refused', () => {
  test.each([
    [['generat'], "unknown command 'generat' (did you mean generate?)"],
    [['generate', 'handlr', 'x'], "unknown generator 'handlr' (did you mean handler?)"],
    [['generate', 'handler', 'x', '--type', 'apis'], "unknown --type 'apis' (did you mean api?)"],
    [['generate', 'handler', '../x'], 'name "../x" is not valid'],
    [['generate', 'handler', 'x', '--namespace', 'Shop'], 'namespace "Shop" is not valid'],
    [['generate', 'template', 'x', '--steps', 'a,b:c'], "step 'b' depends on 'c'"],
    [['generate', 'template', 'x', '--steps', 'a:b,b:a'], 'a cycle through a, b'],
    [['generate', 'template', 'x', '--steps', 'a,a'], "step 'a' is given twice"],
    [['generate', 'handler'], 'expected 2 arguments, got 1 (handler)'],
    [['generate', 'handler', 'x', '--nonsense'], '--nonsense'],
    [['worker', '--port', '99999'], '--port 99999 is not a port'],
    [['init'], 'expected 1 argument, got 0 (none)'],
  ])('%p', (args, message) => {
    const { code, errors } = cli(args as string[]);
    expect([code, errors]).toEqual([2, expect.stringContaining(message as string)]);
    expect(errors).toContain('\n  fix: ');
    expect(errors).not.toContain('    at ');
    expect(all(project)).toBe(0);
  });

  test('a missing tasker-ctl is named, with the command that installs it', () => {
    for (const [env, message] of [
      [{ PATH: '/nonexistent' }, 'tasker-ctl, which makes the files, is not installed'],
      [{ TASKER_CTL: '/nonexistent/ctl' }, 'TASKER_CTL=/nonexistent/ctl is not a program'],
    ] as [Record<string, string>, string][]) {
      const { code, errors } = cli(['generate', 'handler', 'charge'], env);
      expect([code, errors]).toEqual([1, expect.stringContaining(message)]);
      expect(errors).toMatch(/cargo install tasker-ctl --version 0\.1\.8 --locked \(.*protoc/);
    }
  });

  test('init in a folder that is not empty', () => {
    writeFileSync(join(project, 'mine.txt'), '');
    const { code, errors } = cli(['init', '.']);
    expect([code, errors]).toEqual([2, expect.stringContaining('is not empty')]);
    expect(readdirSync(project)).toEqual(['mine.txt']);
  });

  test('what a tasker-ctl says that fails', () => {
    const fake = join(scratch, 'fake-ctl');
    writeFileSync(fake, '#!/bin/sh\necho broken >&2\nexit 3\n', { mode: 0o755 });
    const { code, errors } = cli(['generate', 'handler', 'charge'], { TASKER_CTL: fake });
    expect([code, errors]).toEqual([1, expect.stringContaining("ended with 3 for template 'step_handler': broken")]);
  });
});

test('check names everything at once', () => {
  mkdirSync(join(project, 'config/tasks'), { recursive: true });
  mkdirSync(join(project, 'src/handlers'), { recursive: true });
  writeFileSync(join(project, 'config/tasks/ship.yaml'), readFileSync(join(root, 'tests/fixtures/tasks/ship.yaml')));
  const { code, errors } = cli(['check'], { DATABASE_URL: 'mysql://x' });
  expect(code).toBe(1);
  for (const part of ['DATABASE_URL', "no handler 'shop.price'", "no handler 'shop.pack'", '3 errors']) {
    expect(errors).toContain(part);
  }
});

test('check says once that a folder is missing, and nothing of what would be in it', () => {
  const { code, errors } = cli(['check']);
  expect([code, errors.trim().split('\n')]).toEqual([
    1,
    [
      `error: handlers = "src/handlers": there is no such folder in ${project}; create it, or set handlers to the folder of your handler modules`,
      `error: templates = "config/tasks": there is no such folder in ${project}; create it, or set templates (TASKER_TEMPLATE_PATH)`,
      '2 errors',
    ],
  ]);
  mkdirSync(join(project, 'config/tasks'), { recursive: true });
  writeFileSync(join(project, 'config/tasks/ship.yaml'), readFileSync(join(root, 'tests/fixtures/tasks/ship.yaml')));
  expect(cli(['check']).errors).toEndWith('your handler modules\n1 error\n');
});

test('check passes with a handler that no template uses yet, and says how to use it', () => {
  mkdirSync(join(project, 'config/tasks'), { recursive: true });
  mkdirSync(join(project, 'src/handlers'), { recursive: true });
  writeFileSync(join(project, 'config/tasks/ship.yaml'), readFileSync(join(root, 'tests/fixtures/tasks/ship.yaml')));
  const steps = ['shop.price', 'shop.pack', 'shop.new'].map((name) => ({ kind: 'tasker.step', name }));
  writeFileSync(join(project, 'src/handlers/all.ts'), `export const [a, b, c] = ${JSON.stringify(steps)};`);
  const { code, out, errors } = cli(['check']);
  expect([code, errors, out.trim().split('\n')]).toEqual([
    0,
    '',
    [
      "warning: no task template uses handler 'shop.new'; a step uses it with `handler: {callable: shop.new}`",
      '1 template, 3 handlers, settings: no errors, 1 warning',
    ],
  ]);
});

test('check warns of a step without a limit, and passes', () => {
  mkdirSync(join(project, 'config/tasks'), { recursive: true });
  mkdirSync(join(project, 'src/handlers'), { recursive: true });
  const ship = readFileSync(join(root, 'tests/fixtures/tasks/ship.yaml'), 'utf8');
  writeFileSync(join(project, 'config/tasks/ship.yaml'), ship.replace('    timeout_seconds: 10\n', ''));
  const steps = ['shop.price', 'shop.pack'].map((name) => ({ kind: 'tasker.step', name }));
  writeFileSync(join(project, 'src/handlers/all.ts'), `export const [a, b] = ${JSON.stringify(steps)};`);
  const { code, out } = cli(['check']);
  expect(code).toBe(0);
  expect(out).toContain("ship.yaml: step 'price' has no timeout_seconds");
  expect(out).toContain('settings: no errors, 1 warning');
});

test("a generated API handler does not call Tasker's own server", () => {
  const template = join(root, '../tasker-cli-plugin/templates/step_handler_api/handler.ts.tera');
  const address = CONFIG_KEYS['worker.orchestration_client.base_url']?.default;
  expect(address).toBe('http://127.0.0.1:8080');
  expect(readFileSync(template, 'utf8')).toMatch(/_URL \?\? 'https:/);
  expect(readFileSync(template, 'utf8')).not.toContain(address as string);
});

test.each([
  [['--help'], 'COMMAND --help'],
  [['help'], 'COMMAND --help'],
  [['init', '--help'], 'init FOLDER'],
  [['help', 'init'], 'init FOLDER'],
  [['generate', '--help'], '--type TYPE'],
  [['generate', 'handler', '-h'], '--type TYPE'],
  [['check', '--help'], '--handlers FOLDER'],
  [['worker', '--help'], '--port PORT'],
])('%p says how it is used', (args, message) => {
  const { code, out, errors } = cli(args as string[]);
  expect([code, errors, out]).toEqual([0, '', expect.stringContaining(message as string)]);
  expect(out).toContain('Example: tasker-contrib-bun ');
});

test.each([
  ['handler', 'src/handlers/x.ts', "const CALLABLE = 'shop.x';\n", '  handler: {callable: shop.x}'],
  [
    'handler',
    'src/handlers/x.ts',
    "// type: batch_worker\nconst CALLABLE = 'shop.x';\n",
    'the comment in src/handlers/x.ts',
  ],
  [
    'template',
    'config/tasks/x.yaml',
    'steps: [{handler: {callable: shop.a}}, {handler: {callable: b}}]',
    '  bunx tasker-contrib-bun generate handler a --namespace shop\n  bunx tasker-contrib-bun generate handler b',
  ],
])('after %s %s it says what to do next', (what, path, content, text) => {
  expect(afterGenerate(what, [{ path, content }])).toContain(text);
  expect(afterGenerate(what, [{ path, content }])).toContain('bunx tasker-contrib-bun check');
});

describe.skipIf(!ctl)('with the real tasker-ctl', () => {
  test('the commands of the README, one after the other', () => {
    const block = readFileSync(join(root, 'README.md'), 'utf8').match(/```sh\n(bunx .*?)```/s)?.[1] ?? '';
    const lines = block.trim().split('\n');
    const commands = lines.map((line) => line.replace(/^bunx tasker-contrib-bun /, '').split(' '));
    expect(commands.map(([word]) => word)).toEqual(['init', 'generate', 'generate', 'check', 'worker']);
    for (const command of commands.slice(0, 3)) {
      expect(cli(command)).toMatchObject({ code: 0 });
      if (command[0] === 'init') project = join(project, 'shop');
    }
    mkdirSync(join(project, 'node_modules'));
    symlinkSync(root, join(project, 'node_modules/tasker-contrib-bun'));
    symlinkSync(join(root, 'node_modules/zod'), join(project, 'node_modules/zod'));
    // The template has steps without handlers, and the handler no template: that is what it says.
    const { code, errors } = cli(['check']);
    expect([code, errors]).toEqual([1, expect.stringContaining('validate')]);
    // What `worker` does is in worker.test.ts; here are its options.
    expect(commands[4]).toEqual(['worker', '--port', '9100']);
  });

  test.each(['base', 'api', 'decision', 'batchable'])('a handler of type %s, and back', (type) => {
    const args = ['generate', 'handler', 'charge_card', '--type', type, '--namespace', 'billing'];
    expect(cli([...args, '--dry-run']).out).toContain('would create  src/handlers/charge-card.ts');
    expect(all(project)).toBe(0);
    expect(cli(args)).toMatchObject({ code: 0, out: expect.stringContaining('create  src/handlers/charge-card.ts') });
    expect(readFileSync(join(project, 'src/handlers/charge-card.ts'), 'utf8')).toContain('billing.charge_card');
    expect(cli([...args, '--undo', '--dry-run']).out).toContain('would remove');
    expect(cli([...args, '--undo']).code).toBe(0);
    expect(readdirSync(project)).toEqual([]);
  });

  test('schemas and types of a template, which defineStep takes', () => {
    mkdirSync(join(project, 'config/tasks'), { recursive: true });
    writeFileSync(
      join(project, 'config/tasks/order.yaml'),
      `name: order
namespace_name: shop
version: "1.0.0"
steps:
  - name: price
    handler: { callable: shop.price }
    result_schema: { type: object, required: [cents], properties: { cents: { type: integer } } }
`,
    );
    expect(cli(['generate', 'types', 'order'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('src/types/order.ts'),
    });
    const folder = mkdtempSync(join(root, 'tests/fixtures/types-'));
    try {
      writeFileSync(join(folder, 'order.ts'), readFileSync(join(project, 'src/types/order.ts')));
      writeFileSync(
        join(folder, 'use.ts'),
        `import { defineStep } from '../../../src/index.ts';
import { runStep } from '../../../src/testing/index.ts';
import { ShopPriceResultSchema } from './order.ts';
const step = defineStep('shop.pack', { results: { price: ShopPriceResultSchema } }, ({ results }) => {
  const cents: number = results.price.cents;
  return { cents };
});
const good = await runStep(step, { results: { price: { cents: 1 } } });
const bad = await runStep(step, { results: { price: { cents: 'x' } } });
console.log(good.outcome, bad.outcome);
`,
      );
      const config = { extends: '../../../tsconfig.json', include: ['*.ts'], exclude: [] };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
      const tsc = Bun.spawnSync([join(root, 'node_modules/.bin/tsc'), '-p', folder]);
      expect(tsc.stdout.toString()).toBe('');
      const use = Bun.spawnSync([process.execPath, join(folder, 'use.ts')]);
      expect(use.stdout.toString()).toStartWith('complete ');
      expect(use.stdout.toString()).not.toBe('complete complete\n');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    expect(cli(['generate', 'types', 'other'])).toMatchObject({ code: 2 });
    writeFileSync(join(project, 'config/tasks/ship.yaml'), readFileSync(join(root, 'tests/fixtures/tasks/ship.yaml')));
    const none = cli(['generate', 'types', 'ship']);
    expect([none.code, none.errors]).toEqual([1, expect.stringContaining('result_schema')]);
  }, 60_000);

  test('a conflict fails without a terminal; --skip keeps, --force overwrites, --undo leaves what was edited', () => {
    const args = ['generate', 'template', 'order', '--steps', 'fetch,store:fetch'];
    const file = join(project, 'config/tasks/order.yaml');
    expect(cli(args).code).toBe(0);
    const made = readFileSync(file, 'utf8');
    expect(made).toContain('- fetch');
    writeFileSync(file, 'mine\n');
    expect(cli(args)).toMatchObject({ code: 1, errors: expect.stringContaining('order.yaml') });
    expect(cli([...args, '--undo']).out).toContain('edited');
    expect(cli([...args, '--skip']).out).toContain('skip  config/tasks/order.yaml');
    expect(readFileSync(file, 'utf8')).toBe('mine\n');
    expect(cli([...args, '--force', '--skip']).code).toBe(2);
    expect(cli([...args, '--force']).out).toContain('overwrite');
    expect(readFileSync(file, 'utf8')).toBe(made);
  });

  test('a new project type-checks, passes its tests and its check, and serves', async () => {
    expect(cli(['init', 'shop', '--dry-run']).out).toContain('would create');
    expect(existsSync(join(project, 'shop'))).toBe(false);
    const made = cli(['init', 'shop']);
    expect([made.code, made.errors]).toEqual([0, '']);
    const shop = join(project, 'shop');
    // What `bun install` would bring.
    mkdirSync(join(shop, 'node_modules/@types'), { recursive: true });
    for (const name of ['zod', '@types/bun', 'bun-types', '@types/node', 'undici-types', 'typescript']) {
      if (existsSync(join(root, 'node_modules', name))) {
        symlinkSync(join(root, 'node_modules', name), join(shop, 'node_modules', name));
      }
    }
    const build = Bun.spawnSync([process.execPath, 'scripts/build.ts'], { cwd: root });
    expect(build.exitCode).toBe(0);
    symlinkSync(root, join(shop, 'node_modules/tasker-contrib-bun'));
    const env = { PATH: process.env.PATH, PORT: '0' };
    const run = (...command: string[]) => {
      const done = Bun.spawnSync(command, { cwd: shop, env });
      return [done.exitCode, done.exitCode ? `${done.stdout}${done.stderr}` : ''];
    };
    expect(run(join(root, 'node_modules/.bin/tsc'))).toEqual([0, '']);
    expect(run(process.execPath, 'test')).toEqual([0, '']);
    expect(run(process.execPath, 'node_modules/tasker-contrib-bun/dist/cli/main.js', 'check')).toEqual([0, '']);
    const app = Bun.spawn([process.execPath, 'src/main.ts'], { cwd: shop, env, stdout: 'pipe', stderr: 'inherit' });
    const reader = app.stdout.getReader();
    let text = '';
    while (!/at (http:\S+)/.test(text)) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`it ended: ${text}`);
      text += new TextDecoder().decode(value);
    }
    const url = text.match(/at (http:\S+)/)?.[1];
    expect(await (await fetch(`${url}/tasker/live`)).json()).toEqual({ status: 'alive' });
    app.kill('SIGTERM');
    expect(await app.exited).toBe(0);
  }, 120_000);
});
