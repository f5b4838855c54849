/** Makes `dist` (ESM and types) and `plugin` (the templates for `tasker-ctl`): what the published package has. */

import { cpSync, existsSync, rmSync } from 'node:fs';
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
