/** Makes `dist` (ESM and types) and `plugin` (the templates of the CLI): what the published package has. */

import { chmodSync, cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dir, '..');
rmSync(join(root, 'dist'), { recursive: true, force: true });
rmSync(join(root, 'plugin'), { recursive: true, force: true });

const args = ['--project', 'tsconfig.build.json'];
const build = Bun.spawnSync([join(root, 'node_modules/.bin/tsc'), ...args], {
  cwd: root,
  stdout: 'inherit',
  stderr: 'inherit',
});
if (build.exitCode !== 0) process.exit(build.exitCode);

const plugin = join(root, '../tasker-cli-plugin');
if (existsSync(plugin)) cpSync(plugin, join(root, 'plugin'), { recursive: true });
const main = join(root, 'dist/cli/main.js');
if (existsSync(main)) chmodSync(main, 0o755);
