/** A small project with one workflow that runs. */

import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import type { RenderedFile } from './place.ts';
import { usage } from './problem.ts';
import { render } from './tasker-ctl.ts';

const NAMESPACE = 'hello';

/** The project's files; the folder has to be empty or missing. */
export function projectFiles(folder: string): RenderedFile[] {
  if (existsSync(folder)) {
    if (!statSync(folder).isDirectory()) throw usage(`${folder} is a file`, 'name a folder');
    if (readdirSync(folder).length) throw usage(`${resolve(folder)} is not empty`, 'name a new folder: init my-app');
  }
  const name =
    basename(resolve(folder))
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, '-')
      .replaceAll(/^-+|-+$/g, '') || 'app';
  return [
    { path: 'package.json', content: `${JSON.stringify(packageJson(name), null, 2)}\n` },
    { path: 'tsconfig.json', content: `${JSON.stringify(TSCONFIG, null, 2)}\n` },
    { path: '.gitignore', content: 'node_modules/\n.env\n' },
    { path: 'src/main.ts', content: MAIN },
    ...render('step_handler', { name: 'greet', namespace: NAMESPACE }),
    ...render('task_template', { name: 'greeting', namespace: NAMESPACE, steps: 'greet' }),
  ];
}

/** What to type now. */
export function nextSteps(folder: string): string {
  const enter = resolve(folder) === process.cwd() ? [] : [`  cd ${folder}`];
  return [
    '',
    'Next:',
    ...enter,
    '  bun install         # until tasker-contrib-bun is published: bun add PATH/tasker-contrib-bun.tgz, as its README says',
    '  bun test',
    '  tasker-dev up       # PostgreSQL and Tasker, in another terminal; export the two URLs that it prints',
    '  bun --hot src/main.ts',
    `  curl -X POST localhost:3000/greetings -d '{"reference": "A-1"}'`,
  ].join('\n');
}

function packageJson(name: string): object {
  const { devDependencies: tools, peerDependencies: peers } = manifest;
  return {
    name,
    private: true,
    type: 'module',
    scripts: {
      start: 'bun src/main.ts',
      dev: 'bun --hot src/main.ts',
      test: 'bun test',
      check: 'tasker-contrib-bun check',
    },
    dependencies: {
      'tasker-contrib-bun': `^${manifest.version}`,
      zod: `^${tools.zod}`,
    },
    // Workers need it; without it the app creates tasks, and `bun install` goes on.
    optionalDependencies: { '@tasker-systems/tasker': peers['@tasker-systems/tasker'] },
    devDependencies: { '@types/bun': `^${tools['@types/bun']}`, typescript: `^${tools.typescript}` },
  };
}

const TSCONFIG = {
  compilerOptions: {
    target: 'es2023',
    module: 'preserve',
    moduleResolution: 'bundler',
    types: ['bun'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
  },
  include: ['src', 'tests'],
};

const MAIN = `import { join } from 'node:path';
import { TaskerServer } from 'tasker-contrib-bun';

const server = new TaskerServer({
  port: Number(process.env.PORT ?? 3000),
  handlers: join(import.meta.dir, 'handlers'),
  fetch: async (request, { client }) => {
    if (request.method !== 'POST' || new URL(request.url).pathname !== '/greetings') {
      return new Response('Not Found', { status: 404 });
    }
    const context = (await request.json()) as object;
    const task = await client.createTask('greeting', context, { namespace: '${NAMESPACE}', idempotent: true });
    return Response.json({ task: task.task_uuid }, { status: 201 });
  },
});

await server.start();
`;
