/** Names of projects. */

/** A request that cannot be carried out; the message is one sentence. */
export class Refused extends Error {}

const RESERVED = new Set(
  (
    'await break case catch class const continue debugger default delete do else enum export extends false finally for function if ' +
    'implements import in instanceof interface let new null package private protected public return static super switch this throw true ' +
    // Names of folders, of devices, and of what the project imports.
    'try typeof var void while with yield app bun con hono nul postgres prn src tasker test tests zod'
  ).split(' '),
);

/** @throws {@link Refused} it is not a name for a project. */
export function checkName(name: string): void {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 40) {
    throw new Refused(
      `${JSON.stringify(name)} is not a name for a project: use up to 40 small letters, digits and single hyphens, and begin with a letter.`,
    );
  }
  if (RESERVED.has(name)) {
    throw new Refused(`"${name}" is a reserved word: choose another name, such as "${name}-service".`);
  }
}
