/** The virus scanner. This one knows only the EICAR test file: put a call of yours in its place. */

/** The industry's harmless test file, in two parts so that no scanner takes this source for it. */
export const EICAR = [String.raw`X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR`, '-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join('');

/** The scanner gives no answer now; trying later may help. */
export class ScannerUnavailable extends Error {}

export interface Scanner {
  /**
   * The name of what was found, or undefined.
   *
   * @throws {@link ScannerUnavailable} there is no answer at the moment.
   */
  findVirus(content: Uint8Array, signal: AbortSignal): Promise<string | undefined>;
}

export const stubScanner: Scanner = {
  async findVirus(content) {
    return Buffer.from(content).includes(EICAR) ? 'EICAR-Test-File' : undefined;
  },
};
