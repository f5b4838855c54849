/** A mistake of the user, or of what surrounds the command; the command line prints it without a stack trace. */
export class CliProblem extends Error {
  override readonly name = 'CliProblem';

  /** @param exitCode - 1: it failed; 2: the command was given wrongly. */
  constructor(
    message: string,
    readonly fix?: string,
    readonly exitCode: 1 | 2 = 1,
  ) {
    super(message);
  }
}

/** A {@link CliProblem} of the arguments. */
export function usage(message: string, fix: string): CliProblem {
  return new CliProblem(message, fix, 2);
}
