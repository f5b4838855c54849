import { afterAll, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

// Tests must pass on a loaded machine.
setDefaultTimeout(60_000);

const root = join(import.meta.dir, '..');
const scratch = mkdtempSync(join(tmpdir(), 'tasker-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function run(cwd: string, ...command: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, {
    cwd,
    stdin: 'ignore',
    // Bun finds its settings and what it has fetched before by these; scripts call it by its name.
    env: {
      ...Object.fromEntries(
        Object.entries(process.env).filter(([name]) => /^(HOME|npm_config_.*|NPM_CONFIG_.*)$/.test(name)),
      ),
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    },
  });
  if (exitCode !== 0) throw new Error(`${command.join(' ')}: ${stdout}${stderr}`);
  return stdout.toString();
}

test('what the README says about installing makes an archive that has what it should, and runs in an empty folder', () => {
  const block = readFileSync(join(root, 'README.md'), 'utf8').match(/```sh\n(cd typescript.*?)```/s)?.[1] ?? '';
  const [enter, install, ...commands] = block.trim().split('\n');
  // They were carried out before this test could run.
  expect([enter, install]).toEqual(['cd typescript/tasker-contrib-bun', 'npm ci']);
  const archive = join(scratch, 'tasker-contrib-bun.tgz');
  for (const command of commands) {
    const words = command.replace('tasker-contrib-bun.tgz', archive).split(' ');
    run(root, ...words.map((word) => (word === 'bun' ? process.execPath : word)));
  }
  const files = run(scratch, 'tar', 'tzf', archive).trim().split('\n');
  for (const wanted of ['README.md', 'LICENSE', 'CHANGELOG.md', 'dist/index.js', 'dist/index.d.ts', 'dist/client.js']) {
    expect(files).toContain(`package/${wanted}`);
  }
  expect(files.filter((file) => /(^package\/(src|tests|scripts)\/|\.env|lock)/.test(file))).toEqual([]);
  const app = join(scratch, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{"type": "module", "private": true}');
  run(app, process.execPath, 'add', archive);
  // Core's package, Hono and Elysia are for those who use them.
  expect(
    readdirSync(join(app, 'node_modules'))
      .filter((name) => !name.startsWith('.'))
      .sort(),
  ).toEqual(['@cfworker', '@standard-schema', 'tasker-contrib-bun', 'yaml']);
  // With the types of what it depends on: a handler's arguments are not `any`.
  for (const name of ['zod', 'bun-types', '@types']) {
    symlinkSync(join(root, 'node_modules', name), join(app, 'node_modules', name));
  }
  writeFileSync(
    join(app, 'types.ts'),
    `import { defineStep } from 'tasker-contrib-bun';
     import { z } from 'zod';
     export const step = defineStep('x', { input: z.object({ n: z.number() }) }, ({ input }) => {
       const fits: number = input.n;
       // @ts-expect-error a number is not a text
       const wrong: string = input.n;
       return { fits, wrong };
     });`,
  );
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2023',
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ['bun'],
  };
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['types.ts'] }));
  expect(run(app, join(root, 'node_modules/.bin/tsc'))).toBe('');
  writeFileSync(
    join(app, 'main.js'),
    `import { TaskerServer } from 'tasker-contrib-bun';
     const server = await new TaskerServer({ port: 0, mode: 'client' }).start();
     console.log(await (await fetch(server.url + '/tasker/live')).text());
     await server.stop();
     const { fakeClient } = await import('tasker-contrib-bun/testing');
     console.log((await fakeClient().createTask('order')).status);`,
  );
  const said = run(app, process.execPath, 'main.js');
  expect(said).toContain('{"status":"alive"}');
  expect(said).toContain('pending');
  expect(run(app, 'node_modules/.bin/tasker-contrib-bun', 'help')).toContain('tasker-contrib-bun generate handler');
  expect(files).toContain('package/plugin/tasker-plugin.toml');
}, 180_000);

test('the client alone is small when bundled', async () => {
  const entry = join(scratch, 'entry.ts');
  writeFileSync(entry, `export { createClient } from '${join(root, 'src/index.ts')}';`);
  const built = await Bun.build({
    entrypoints: [entry],
    minify: true,
    target: 'browser',
    external: ['bun', 'bun:ffi', 'node:*'],
  });
  expect(built.success).toBe(true);
  const bytes = (await built.outputs[0]?.text())?.length ?? 0;
  expect(bytes).toBeGreaterThan(1000);
  expect(bytes).toBeLessThan(12_000);
});

test('the lock file has no addresses', () => {
  expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toContain('"resolved"');
});
