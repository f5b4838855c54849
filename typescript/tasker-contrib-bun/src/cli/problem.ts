/** A mistake of the user or a problem of the environment; the command line prints it without a stack trace. */
export class CliProblem extends Error {
  override readonly name = 'CliProblem';

  /** @param exitCode - 1: it failed; 2: wrong arguments. */
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
