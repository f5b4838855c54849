/** The commands and their options. */

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { YAML } from 'bun';
import manifest from '../../package.json' with { type: 'json' };
import { TaskerConfigError, TaskerStartError } from '../errors.ts';
import { TaskerServer } from '../server.ts';
import { didYouMean } from '../suggest.ts';
import { readTemplate } from '../templates.ts';
import { check, HANDLERS } from './check.ts';
import { COMMANDS, HELP } from './help.ts';
import { nextSteps, projectFiles } from './init.ts';
import { checkName, checkNamespace, checkSteps } from './names.ts';
import { afterGenerate } from './next.ts';
import { type Placed, plan, planUndo, type RenderedFile, undo, write } from './place.ts';
import { CliProblem, usage } from './problem.ts';
import { schedule } from './schedule.ts';
import { render, types } from './tasker-ctl.ts';

const KINDS: Readonly<Record<string, string>> = {
  base: 'step_handler',
  api: 'step_handler_api',
  decision: 'step_handler_decision',
  batchable: 'step_handler_batchable',
};
const FLAG = { type: 'boolean', default: false } as const;
const TEXT = { type: 'string' } as const;
const PLACING = { force: FLAG, skip: FLAG, 'dry-run': FLAG };
const LOADING = { handlers: TEXT, templates: TEXT };

/** Run a command line; the exit code: 0, 1 (it failed) or 2 (wrong arguments). */
export async function run(argv: readonly string[]): Promise<number> {
  try {
    await dispatch([...argv]);
    return 0;
  } catch (error) {
    if (error instanceof CliProblem) {
      console.error(`error: ${error.message}${error.fix ? `\n  fix: ${error.fix}` : ''}`);
      return error.exitCode;
    }
    if (error instanceof TaskerConfigError || error instanceof TaskerStartError) {
      console.error(`error: ${error.message}`);
      return 1;
    }
    throw error;
  }
}

async function dispatch([command, ...rest]: string[]): Promise<void> {
  if (command === undefined || command === '--help' || command === '-h') return console.log(HELP);
  if (command === 'help') return console.log(COMMANDS[rest[0] ?? ''] ?? HELP);
  if (rest.includes('--help') || rest.includes('-h')) return console.log(COMMANDS[command] ?? HELP);
  switch (command) {
    case '--version':
      return console.log(manifest.version);
    case 'init':
      return init(rest);
    case 'generate':
      return generate(rest);
    case 'check': {
      const { values } = parsed(rest, LOADING, 0);
      return console.log(await check(values.handlers ?? HANDLERS, values.templates));
    }
    case 'worker':
      return worker(rest);
    case 'schedule': {
      const { values, positionals } = parsed(rest, { file: TEXT }, rest[0] === 'now' ? 2 : 1);
      return schedule(positionals[0] ?? '', positionals[1], values.file);
    }
    default:
      throw unknown('command', command, Object.keys(COMMANDS));
  }
}

function init(args: string[]): void {
  const { values, positionals } = parsed(args, PLACING, 1);
  const [folder = ''] = positionals;
  const files = projectFiles(folder);
  if (values['dry-run']) {
    for (const { path } of files) say('would create', path);
    return;
  }
  mkdirSync(folder, { recursive: true });
  place(folder, files, values);
  console.log(nextSteps(folder));
}

function generate(args: string[]): void {
  const options = { ...PLACING, undo: FLAG, type: TEXT, namespace: TEXT, steps: TEXT, templates: TEXT };
  const { values, positionals } = parsed(args, options, 2);
  const [what = '', name = ''] = positionals;
  const files = rendered(what, checkName(name), values);
  if (!values.undo) {
    place('.', files, values);
    if (!values['dry-run']) console.log(afterGenerate(what, files));
    return;
  }
  if (values.force || values.skip) {
    throw usage('--undo cannot be combined with --force or --skip: it never touches edited files', 'leave them out');
  }
  const undone = planUndo('.', files);
  if (!values['dry-run']) undo('.', undone);
  for (const { path, fate } of undone) say(values['dry-run'] && fate === 'remove' ? 'would remove' : fate, path);
}

type Wanted = Partial<Record<'type' | 'namespace' | 'steps' | 'templates', string | undefined>>;

function rendered(what: string, name: string, { type, namespace, steps, templates }: Wanted): RenderedFile[] {
  if (what === 'types') return [{ path: `src/types/${name}.ts`, content: typesOf(name, templates ?? 'config/tasks') }];
  const place = namespace === undefined ? undefined : checkNamespace(namespace);
  if (what === 'handler') {
    if (steps !== undefined) throw usage('--steps is for templates', 'leave it out');
    const template = KINDS[type ?? 'base'];
    if (!template) throw unknown('--type', type ?? '', Object.keys(KINDS));
    return render(template, { name, ...(place !== undefined && place !== 'default' && { namespace: place }) });
  }
  if (what !== 'template') throw unknown('generator', what, ['handler', 'template', 'types']);
  if (type !== undefined) throw usage('--type is for handlers', 'leave it out');
  return render('task_template', {
    name,
    ...(place !== undefined && { namespace: place }),
    ...(steps !== undefined && { steps: checkSteps(steps) }),
  });
}

function typesOf(name: string, folder: string): string {
  const file = ['yaml', 'yml'].map((ending) => join(folder, `${name}.${ending}`)).find((path) => existsSync(path));
  if (!file) throw usage(`${join(folder, name)}.yaml does not exist`, 'name a task template, or set --templates');
  const raw: unknown = YAML.parse(readFileSync(file, 'utf8'));
  const problems: string[] = [];
  readTemplate(raw, file, problems);
  if (problems.length) throw new CliProblem(problems.join('\nerror: '));
  if (!(raw as { steps: { result_schema?: unknown }[] }).steps.some((step) => step.result_schema)) {
    throw new CliProblem(`no step of ${file} has a result_schema`, 'add one to the steps whose results others read');
  }
  return types(file);
}

type Placing = { force?: boolean; skip?: boolean; 'dry-run'?: boolean };

function place(root: string, files: readonly RenderedFile[], { force, skip, 'dry-run': isDry }: Placing): void {
  if (force && skip) throw usage('--force and --skip cannot be combined', 'use one of them');
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
  const placed = plan(
    root,
    files,
    force ? 'force' : skip ? 'skip' : 'ask',
    isDry ? () => false : isTerminal ? ask : undefined,
  );
  if (!isDry) write(placed);
  for (const item of placed) say(isDry ? tense(item) : item.verdict, item.path);
}

function tense({ verdict }: Placed): string {
  if (verdict === 'skip') return 'conflict';
  return verdict === 'unchanged' ? verdict : `would ${verdict}`;
}

function ask(path: string, wanted: string): boolean {
  const difference = Bun.spawnSync(['diff', '-u', path, '-'], { stdin: Buffer.from(wanted) }).stdout.toString();
  console.log(difference);
  return confirm(`Overwrite ${path}?`);
}

async function worker(args: string[]): Promise<void> {
  const { values } = parsed(args, { ...LOADING, port: TEXT, hostname: TEXT }, 0);
  const port = Number(values.port ?? process.env.PORT ?? 3000);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw usage(`--port ${values.port} is not a port`, 'use 0 to 65535');
  const server = new TaskerServer({
    mode: 'worker',
    handlers: values.handlers ?? HANDLERS,
    port,
    ...(values.templates !== undefined && { templates: values.templates }),
    ...(values.hostname !== undefined && { hostname: values.hostname }),
  });
  await server.start();
  // Until a signal ends the process.
  await new Promise(() => {});
}

function parsed<const O extends Record<string, { type: 'string' | 'boolean'; default?: boolean }>>(
  args: string[],
  options: O,
  positionals: number,
) {
  let result: ReturnType<typeof parseArgs<{ args: string[]; options: O; allowPositionals: true; strict: true }>>;
  try {
    result = parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    throw usage((error as Error).message, 'see tasker-contrib-bun --help');
  }
  if (result.positionals.length !== positionals) {
    const given = result.positionals.join(' ') || 'none';
    throw usage(
      `expected ${positionals} argument${positionals === 1 ? '' : 's'}, got ${result.positionals.length} (${given})`,
      'see tasker-contrib-bun --help',
    );
  }
  return result;
}

function unknown(what: string, given: string, known: readonly string[]): CliProblem {
  return usage(`unknown ${what} '${given}'${didYouMean(given, known)}`, `use one of ${known.join(', ')}`);
}

function say(word: string, path: string): void {
  const shown = relative(process.cwd(), path);
  console.log(`${word.padStart(15)}  ${shown.startsWith('..') ? path : shown || path}`);
}
