/** What is read from the bytes of a document. Plain text, with a form feed between two pages. */

const PAGE_BREAK = '\f';

/** The content is not text. */
export class NotReadable extends Error {}

export interface PageText {
  number: number;
  text: string;
  words: number;
}

/**
 * The text of every page; there is always one at least.
 *
 * @throws {@link NotReadable} it is not UTF-8.
 */
export function splitPages(content: Uint8Array): string[] {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content).split(PAGE_BREAK);
  } catch {
    throw new NotReadable('the document is not UTF-8');
  }
}

/** Tidy the text of a page and count its words. */
export function readPage(number: number, text: string): PageText {
  // PostgreSQL stores no NUL in a text.
  const lines = text.replaceAll('\0', '').split(/\r\n|\r|\n/);
  const tidy = lines
    .map((line) => line.trim().split(/\s+/).join(' '))
    .join('\n')
    .trim();
  return { number, text: tidy, words: tidy.split(/\s+/).filter(Boolean).length };
}
