/** Makes a project of the template's files. */

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { checkName, Refused } from './name.ts';
import type { TemplateFile } from './template.ts';

/** The template's own name. */
export const OLD = 'document-intake';

/** Packages of the template's repository: a project has them through tasker-contrib-bun. */
const TEMPLATE_ONLY = ['@cfworker/json-schema', '@standard-schema/spec', 'yaml'];

interface Manifest {
  xtask?: unknown;
  devDependencies: Record<string, string>;
}

/** What a file of the template is in a project, where it is not the same. */
const EDITS: Readonly<Record<string, (text: string) => string>> = {
  'package.json'(text) {
    const manifest = JSON.parse(text) as Manifest;
    delete manifest.xtask;
    for (const name of TEMPLATE_ONLY) delete manifest.devDependencies[name];
    return `${JSON.stringify(manifest, null, 2)}\n`;
  },
  // There the package is read from its folder; in a project it is installed.
  'tsconfig.json': (text) => text.replace(/^ *"paths": \{[^}]*\},\n/m, ''),
  'bunfig.toml': (text) => text.replace(/^.*# template only\n/gm, ''),
};

/** The files of a project with this name. */
export function projectFiles(template: readonly TemplateFile[], name: string): TemplateFile[] {
  return template.map((file) => ({
    ...file,
    text: (EDITS[file.path]?.(file.text) ?? file.text).replaceAll(OLD, name),
  }));
}

/**
 * Write a project into a new folder of this one; all of it or nothing.
 *
 * @returns the folder.
 * @throws {@link Refused} the name is wrong, or the folder has something in it.
 */
export function createProject(template: readonly TemplateFile[], name: string, parent: string): string {
  checkName(name);
  const folder = resolve(parent, name);
  checkFolder(folder, name);
  const draft = mkdtempSync(join(parent, `.${name}-`));
  try {
    for (const { path, text, executable } of projectFiles(template, name)) {
      const file = join(draft, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      if (executable) chmodSync(file, 0o755);
    }
    chmodSync(draft, 0o755);
    // It is empty, see checkFolder.
    if (existsSync(folder)) rmdirSync(folder);
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw error;
  }
  return folder;
}

function checkFolder(folder: string, name: string): void {
  if (!existsSync(folder)) return;
  if (statSync(folder).isDirectory() && readdirSync(folder).length === 0) return;
  throw new Refused(`${name} exists and is not empty: choose another name, or remove it first.`);
}
