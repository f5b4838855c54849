#!/usr/bin/env bun
/** `bun create tasker-bun NAME` */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import manifest from '../package.json' with { type: 'json' };
import { Refused } from './name.ts';
import { createProject } from './project.ts';
import type { TemplateFile } from './template.ts';

const USAGE = `Makes a Bun application with Tasker workflows in a new folder.

  bun create tasker-bun NAME

NAME has up to 40 small letters, digits and single hyphens, and begins with a letter.`;

function run(args: string[]): void {
  const [name, ...more] = args;
  if (name?.startsWith('-')) throw new Refused(`there is no option ${name}: see bun create tasker-bun --help.`);
  if (name === undefined || more.length) {
    throw new Refused(`expected one name, got ${args.length}: bun create tasker-bun NAME.`);
  }
  // Beside the bundle; scripts/build.ts makes both.
  const template = JSON.parse(readFileSync(join(import.meta.dir, 'template.json'), 'utf8')) as TemplateFile[];
  createProject(template, name, process.cwd());
  console.log(`${name} is made. Its README.md has the next three commands.`);
}

try {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) console.log(USAGE);
  else if (args.includes('--version')) console.log(manifest.version);
  else run(args);
} catch (error) {
  if (!(error instanceof Refused)) {
    console.error(`error: nothing was made: ${error instanceof Error ? error.message : error}`);
    process.exit(1);
  }
  console.error(`error: ${error.message}`);
  process.exit(2);
}
