/** What names on the command line may look like: checked before anything is rendered. */

import { usage } from './problem.ts';

const MAX_NAME = 64;
/** Core's queue is `worker_{namespace}_queue`, and PGMQ takes 47 characters. */
const MAX_NAMESPACE = 29;
const MAX_STEPS = 200;
/** Words that a module cannot use as the name of a constant. */
const KEYWORDS = new Set(
  (
    'abstract arguments async await break case catch class const continue debugger default delete do else enum eval export ' +
    'extends false finally for function if implements import in instanceof interface let new null of package private ' +
    'protected public return static super switch this throw true try type typeof undefined var void while with yield'
  ).split(' '),
);

/** A name of a handler or a task. */
export function checkName(name: string): string {
  check(name, 'name', /^[A-Za-z][A-Za-z0-9_]*$/, MAX_NAME, 'letters, digits and underscores, a letter first');
  if (KEYWORDS.has(name.toLowerCase())) {
    throw usage(
      `name '${name}' is a word of TypeScript`,
      "choose a name that says what the step does, like 'charge_card'",
    );
  }
  return name;
}

/** A namespace. */
export function checkNamespace(name: string): string {
  const allowed = 'lower-case letters, digits and underscores, a letter first';
  check(name, 'namespace', /^[a-z][a-z0-9_]*$/, MAX_NAMESPACE, allowed);
  return name;
}

/** Checks `a,b:a,c:a+b`, and writes it again from the checked parts. */
export function checkSteps(text: string): string {
  const steps = new Map<string, string[]>();
  for (const item of text.split(',')) {
    const [name = '', dependencies, ...more] = item.trim().split(':');
    if (more.length) throw usage(`step '${item.trim()}' has more than one ':'`, 'write name:first+second');
    checkName(name);
    if (steps.has(name)) throw usage(`step '${name}' is given twice in --steps`, 'name it once');
    steps.set(
      name,
      dependencies === undefined ? [] : dependencies.split('+').map((parent) => checkName(parent.trim())),
    );
  }
  if (steps.size > MAX_STEPS) throw usage(`--steps has ${steps.size} steps`, `use ${MAX_STEPS} at most`);
  for (const [name, parents] of steps) {
    const unknown = parents.find((parent) => !steps.has(parent));
    if (unknown)
      throw usage(`step '${name}' depends on '${unknown}', which --steps does not define`, `add it: ${unknown},…`);
  }
  refuseCycle(steps);
  return [...steps].map(([name, parents]) => (parents.length ? `${name}:${parents.join('+')}` : name)).join(',');
}

function refuseCycle(steps: ReadonlyMap<string, readonly string[]>): void {
  const left = new Map(steps);
  while (left.size) {
    const free = [...left].filter(([, parents]) => !parents.some((parent) => left.has(parent)));
    if (!free.length) {
      throw usage(
        `--steps has a cycle through ${[...left.keys()].sort().join(', ')}`,
        'remove one of these dependencies',
      );
    }
    for (const [name] of free) left.delete(name);
  }
}

function check(value: string, what: string, pattern: RegExp, longest: number, allowed: string): void {
  if (value.length > longest) {
    throw usage(`${what} '${value.slice(0, 20)}…' has ${value.length} characters`, `use ${longest} at most`);
  }
  if (!pattern.test(value) || value.includes('\n')) {
    throw usage(`${what} ${JSON.stringify(value)} is not valid`, `use ${allowed}`);
  }
}
