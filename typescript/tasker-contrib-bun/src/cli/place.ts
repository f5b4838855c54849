/**
 * Places generated files in a project without losing anything that is there. The rules, with cases that the generators of
 * all languages run, are in the repository's `xtask/contract/placing-cases`.
 */

import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, isAbsolute, join, sep } from 'node:path';
import { CliProblem } from './problem.ts';

/** A file to place: its path relative to the project, and its text. */
export interface RenderedFile {
  path: string;
  content: string;
}

/** What to do with a file that exists with other content. */
export type Rule = 'ask' | 'force' | 'skip';

/** A file and what happens (or happened) to it. */
export interface Placed {
  path: string;
  verdict: 'create' | 'unchanged' | 'overwrite' | 'skip';
  content: string;
}

/** A file and what undoing its generation does (or did) to it. */
export interface Undone {
  path: string;
  fate: 'remove' | 'edited' | 'absent';
}

/** Asked about a file that is there; true overwrites it. */
export type Ask = (path: string, wanted: string) => boolean;

/**
 * Decide what happens to each file; writes nothing.
 *
 * @param ask - undefined when there is nobody to ask.
 * @throws {@link CliProblem} a path leaves the project, is in the way, or conflicts and there is nobody to ask.
 */
export function plan(root: string, files: readonly RenderedFile[], rule: Rule, ask?: Ask): Placed[] {
  const base = realpathSync(root);
  const targets = files.map((file) => ({ target: inside(base, file.path), file }));
  const seen = new Set<string>();
  for (const { target, file } of targets) {
    if (seen.has(target)) throw new CliProblem(`two generated files have the same path: ${file.path}`);
    seen.add(target);
    refuseInTheWay(target, file.path);
  }
  const conflicts: string[] = [];
  const placed = targets.map(({ target: path, file: { content } }): Placed => {
    if (!existsSync(path)) return { path, content, verdict: 'create' };
    if (readFileSync(path).equals(Buffer.from(content))) return { path, content, verdict: 'unchanged' };
    if (rule !== 'ask') return { path, content, verdict: rule === 'force' ? 'overwrite' : 'skip' };
    if (!ask) conflicts.push(path);
    return { path, content, verdict: ask?.(path, content) ? 'overwrite' : 'skip' };
  });
  if (conflicts.length) {
    throw new CliProblem(
      `these files exist with other content, nothing was written:\n${conflicts.map((path) => `  ${path}`).join('\n')}`,
      'run it again with --force (overwrite), --skip (keep them) or --dry-run (look)',
    );
  }
  return placed;
}

/** Write what was decided: temporary files beside their targets first, then all renames. */
export function write(placed: readonly Placed[]): void {
  const pending = placed.filter(({ verdict }) => verdict === 'create' || verdict === 'overwrite');
  const folders: string[] = [];
  const temporary: [string, string][] = [];
  try {
    for (const { path, content } of pending) {
      makeFolder(dirname(path), folders);
      const beside = join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}`);
      temporary.push([beside, path]);
      writeFileSync(beside, content, { flag: 'wx' });
      if (existsSync(path)) chmodSync(beside, statSync(path).mode & 0o777);
    }
  } catch (error) {
    for (const [beside] of temporary) rmSync(beside, { force: true });
    for (const folder of folders.reverse()) rmdirSync(folder);
    throw new CliProblem(
      `cannot write: ${(error as Error).message}; nothing was changed`,
      'free the disk or correct the permissions, then run it again',
    );
  }
  for (const [beside, path] of temporary) renameSync(beside, path);
}

/** Decide what undoing does; removes nothing. */
export function planUndo(root: string, files: readonly RenderedFile[]): Undone[] {
  const base = realpathSync(root);
  return files.map((file) => {
    const path = inside(base, file.path);
    if (entry(join(base, file.path))?.isSymbolicLink()) return { path, fate: 'edited' };
    const found = entry(path) && statSync(path);
    if (!found) return { path, fate: 'absent' };
    const isAsGenerated = found.isFile() && readFileSync(path).equals(Buffer.from(file.content));
    return { path, fate: isAsGenerated ? 'remove' : 'edited' };
  });
}

/** Remove what was decided, and the folders that are empty then. */
export function undo(root: string, undone: readonly Undone[]): void {
  const base = realpathSync(root);
  for (const { path, fate } of undone) {
    if (fate !== 'remove') continue;
    try {
      unlinkSync(path);
    } catch (error) {
      throw new CliProblem(
        `cannot remove ${path}: ${(error as Error).message}; it and what comes after it is left`,
        'correct the permissions, then run it again',
      );
    }
    for (let folder = dirname(path); folder !== base && !readdirSync(folder).length; folder = dirname(folder)) {
      rmdirSync(folder);
    }
  }
}

/** The real path of a file, links resolved, which must lie in the project. */
function inside(base: string, path: string): string {
  const refuse = (target: string) => {
    throw new CliProblem(
      `refusing to write outside ${base}: ${path} → ${target}`,
      'remove the link, or run the command in the folder it points to',
    );
  };
  if (isAbsolute(path) || path.split(/[/\\]/).includes('..')) refuse(path);
  let existing = join(base, path);
  const missing: string[] = [];
  while (!entry(existing)) {
    missing.unshift(basename(existing));
    existing = dirname(existing);
  }
  // A broken link could be made to lead anywhere later.
  if (!existsSync(existing)) refuse(existing);
  const target = join(realpathSync(existing), ...missing);
  if (!target.startsWith(base + sep)) refuse(target);
  return target;
}

function refuseInTheWay(target: string, path: string): void {
  if (entry(target) && statSync(target).isDirectory()) {
    throw new CliProblem(`${target} is a folder, but a file of that name is to be generated`);
  }
  let folder = dirname(target);
  while (!existsSync(folder)) folder = dirname(folder);
  if (!statSync(folder).isDirectory()) throw new CliProblem(`${folder} is a file, but ${path} needs it to be a folder`);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch {
    throw new CliProblem(`${folder} is not writable`, 'correct its permissions');
  }
}

function makeFolder(folder: string, made: string[]): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder), made);
  mkdirSync(folder);
  made.push(folder);
}

/** A path below a file does not exist; some systems report that as another error. */
function entry(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
