/** Renders this package's templates with `tasker-ctl`, which writes into a temporary folder and never sees the project. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CORE_VERSION } from '../contract.ts';
import type { RenderedFile } from './place.ts';
import { CliProblem } from './problem.ts';

const TIMEOUT_MS = 60_000;

/** @throws {@link CliProblem} `tasker-ctl` is missing, fails, or makes nothing. */
export function render(template: string, parameters: Readonly<Record<string, string>>): RenderedFile[] {
  const pairs = Object.entries(parameters).flatMap(([name, value]) => ['-p', `${name}=${value}`]);
  return files(`template '${template}'`, (out) => [
    ...['template', 'generate', template, '-l', 'typescript', '-o', out],
    ...pairs,
  ]);
}

/** Zod schemas and types of the results that a task template describes, as the text of a module. */
export function types(templateFile: string): string {
  const [file] = files(templateFile, (out) => [
    ...['generate', 'types', '-l', 'typescript', '-t', resolve(templateFile), '-o', join(out, 'types.ts')],
  ]);
  return `${file?.content.trimEnd()}\n`;
}

function files(what: string, args: (out: string) => string[]): RenderedFile[] {
  const binary = find();
  const scratch = mkdtempSync(join(tmpdir(), 'tasker-generate-'));
  try {
    const out = join(scratch, 'out');
    mkdirSync(out);
    mkdirSync(join(scratch, '.config'));
    // One plugin path and no remotes: the user's own configuration cannot change what is made.
    const config = `[cli]\nplugin-paths = [${JSON.stringify(pluginFolder())}]\n`;
    writeFileSync(join(scratch, '.config/tasker.toml'), config);
    const { TASKER_CLIENT_PROFILE: _, ...env } = process.env;
    const done = Bun.spawnSync([binary, ...args(out)], { cwd: scratch, env, stdin: 'ignore', timeout: TIMEOUT_MS });
    if (done.exitCode !== 0) {
      const why = (done.stderr.toString() || done.stdout.toString()).trim();
      throw new CliProblem(`${binary} ended with ${done.exitCode ?? done.signalCode} for ${what}: ${why}`, FIX);
    }
    const made = readdirSync(out, { recursive: true, encoding: 'utf8' })
      .filter((path) => statSync(join(out, path)).isFile())
      .sort()
      .map((path) => ({ path, content: readFileSync(join(out, path), 'utf8') }));
    if (!made.length) throw new CliProblem(`${binary} made no file for ${what}`, FIX);
    return made;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const FIX = 'check that program, or set TASKER_CTL to another one';
const INSTALL =
  `install it: cargo install tasker-ctl --version ${CORE_VERSION} --locked (it is compiled, which needs Rust, and protoc on PATH or in ` +
  'PROTOC: apt-get install protobuf-compiler, or brew install protobuf); or set TASKER_CTL to its path';

/** The program that TASKER_CTL names, else the one on PATH. */
function find(): string {
  const configured = process.env.TASKER_CTL;
  const found = Bun.which(configured || 'tasker-ctl');
  if (found) return found;
  if (configured) throw new CliProblem(`TASKER_CTL=${configured} is not a program that can be run`, INSTALL);
  throw new CliProblem('tasker-ctl, which makes the files, is not installed', INSTALL);
}

/** In the published package, or beside it in the repository. */
function pluginFolder(): string {
  const places = ['../../plugin', '../../../tasker-cli-plugin'].map((place) => join(import.meta.dir, place));
  const found = places.find((place) => existsSync(join(place, 'tasker-plugin.toml')));
  if (!found)
    throw new CliProblem('the templates are missing from this installation', 'install tasker-contrib-bun again');
  return found;
}
