/** Makes `dist`: the program in one file, and the template's files in another. */

import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTemplate } from '../src/template.ts';

const root = join(import.meta.dir, '..');
const dist = process.argv[2] ?? join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
const built = await Bun.build({ entrypoints: [join(root, 'src/main.ts')], outdir: dist, target: 'bun' });
if (!built.success) throw new AggregateError(built.logs);
chmodSync(join(dist, 'main.js'), 0o755);
// One file: packers leave out what is called .gitignore, and forget what can be run.
const template = readTemplate(join(root, '../tasker-bun-template'));
writeFileSync(join(dist, 'template.json'), JSON.stringify(template));
