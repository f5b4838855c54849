import { afterAll, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HANDLERS } from '../src/cli/check.ts';

// Tests must pass on a loaded machine.
setDefaultTimeout(60_000);

const root = join(import.meta.dir, '..');
const folder = join(root, `tests/fixtures/docs-${process.pid}`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const guides = readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.md'));
const pages = ['README.md', ...guides.map((file) => `docs/${file}`)];
const blocks = pages.flatMap((page) =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/```ts\n(.*?)```/gs)].map((match, index) => ({
    file: `${page.replaceAll(/\W/g, '_')}_${index}${match[1]?.includes('\ntest(') ? '.test' : ''}.ts`,
    text: match[1] ?? '',
  })),
);

/** The entry points as the package publishes them, in its source. */
function toSource(text: string): string {
  return text
    .replaceAll(/'tasker-contrib-bun\/(client|hono|elysia)'/g, "'../../../src/$1.ts'")
    .replaceAll("'tasker-contrib-bun/testing'", "'../../../src/testing/index.ts'")
    .replaceAll("'tasker-contrib-bun'", "'../../../src/index.ts'");
}

test('every block of the README and of the guides type-checks', () => {
  expect(blocks.length).toBeGreaterThan(15);
  mkdirSync(join(folder, 'handlers'), { recursive: true });
  for (const { file, text } of blocks) {
    // Other ports than a developer's.
    writeFileSync(join(folder, file), `${toSource(text)}\nexport {};\n`.replace('3000', '0'));
  }
  const config = {
    extends: '../../../tsconfig.json',
    compilerOptions: { noUnusedLocals: false },
    include: ['*.ts'],
    exclude: [],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = Bun.spawnSync([join(root, 'node_modules/.bin/tsc'), '-p', folder], { cwd: root });
  expect(tsc.stdout.toString()).toBe('');
}, 180_000);

test.each(blocks.map(({ file }) => file))('%s runs', (file) => {
  const command = file.endsWith('.test.ts')
    ? ['test', `./${file}`]
    : ['-e', `await import('./${file}'); process.exit(0);`];
  const run = Bun.spawnSync([process.execPath, ...command], { cwd: folder, env: { PATH: process.env.PATH } });
  expect([run.exitCode, run.exitCode ? run.stderr.toString() : '']).toEqual([0, '']);
});

test('every option has its row in the guide, with its variable', async () => {
  const guide = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
  const { SETTINGS } = await import('../src/contract.ts');
  const { OWN_OPTIONS } = await import('../src/server-options.ts');
  for (const [name, { env }] of Object.entries(SETTINGS)) {
    expect(guide).toMatch(new RegExp(`^\\| \`${name.replace('.', '\\.')}\` \\|.*\`${env}\``, 'm'));
  }
  for (const name of OWN_OPTIONS) expect(guide).toContain(`\n| \`${name}\` |`);
});

test('blocks of other languages are what they say', () => {
  const found = pages.flatMap((page) => [...readFileSync(join(root, page), 'utf8').matchAll(/```(\w+)\n(.*?)```/gs)]);
  for (const [, language, text] of found) {
    if (language === 'yaml') expect(Object.keys(Bun.YAML.parse(text ?? '') as object)).not.toBeEmpty();
    else if (language === 'js') new Bun.Transpiler({ loader: 'js' }).transformSync(text ?? '');
    // Run by the tests of the command line.
    else expect(['ts', 'sh', 'text']).toContain(language ?? '');
  }
  expect(found.filter(([, language]) => language === 'yaml' || language === 'js').length).toBeGreaterThan(1);
});

test('commands of xtask are those of the guide, which xtask checks', () => {
  const commands = (file: string) => readFileSync(join(root, file), 'utf8').match(/^cargo xtask .*$/gm) ?? [];
  const language = /(?<=core build )\w+/;
  const guide = commands('../../docs/guides/use-a-local-core.md').map((line) => line.replace(language, 'LANG'));
  const ours = pages.flatMap(commands).map((line) => line.replace(language, 'LANG'));
  expect(ours.length).toBeGreaterThan(1);
  expect(ours.filter((line) => !guide.includes(line))).toEqual([]);
});

test('tasker-ctl is installed in the version of Core, with its lock file', async () => {
  const { CORE_VERSION } = await import('../src/contract.ts');
  const lines = pages.flatMap(
    (page) => readFileSync(join(root, page), 'utf8').match(/cargo install tasker-ctl[^`\n]*/g) ?? [],
  );
  expect(lines.length).toBeGreaterThan(1);
  expect(new Set(lines)).toEqual(new Set([`cargo install tasker-ctl --version ${CORE_VERSION} --locked`]));
});

test('handlers are where the command line looks for them', () => {
  expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(`handlers: './${HANDLERS}'`);
  expect(readFileSync(join(root, 'src/server.ts'), 'utf8')).toContain(`handlers: './${HANDLERS}'`);
});

test('links lead somewhere', () => {
  for (const page of pages) {
    const text = readFileSync(join(root, page), 'utf8');
    for (const [, target] of text.matchAll(/\]\(([^)#]+?)(?:#[^)]*)?\)/g)) {
      if (!target?.startsWith('https://')) expect(existsSync(join(root, page, '..', target ?? ''))).toBe(true);
    }
  }
});
