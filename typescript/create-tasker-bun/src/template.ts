/** The files of the template, as this package carries them. */

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Glob } from 'bun';

/** A file: its path with slashes, its text, and whether it can be run. */
export interface TemplateFile {
  path: string;
  text: string;
  executable: boolean;
}

/** What only the template's own repository needs, and what a developer's machine leaves behind. */
const LEFT_OUT = [
  /^\.npmrc$/,
  /^package-lock\.json$/,
  /^tests\/template\//,
  /^(node_modules|coverage|secrets)\//,
  /^\.env$/,
  /\.tgz$/,
];

/** Read them from the template's folder, in the order of their paths. */
export function readTemplate(folder: string): TemplateFile[] {
  const paths = [...new Glob('**/*').scanSync({ cwd: folder, dot: true, onlyFiles: true })];
  return paths
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !LEFT_OUT.some((pattern) => pattern.test(path)))
    .sort()
    .map((path) => {
      const file = join(folder, path);
      return { path, text: readFileSync(file, 'utf8'), executable: (statSync(file).mode & 0o100) !== 0 };
    });
}
