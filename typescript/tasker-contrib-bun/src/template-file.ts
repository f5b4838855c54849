/** Reads a template's file as Core does, whose YAML reader is stricter than Bun's. */

import { readFileSync } from 'node:fs';
import { type Document, isAlias, isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';

/** Levels that Core's reader follows. */
const DEEPEST = 128;
const TOO_DEEP = `is nested too deep, or contains itself; Core reads ${DEEPEST} levels`;

/** The file is no single YAML document that Core would read; the message says why. */
export class UnreadableTemplate extends Error {}

/**
 * The content of a file with one YAML document.
 *
 * @throws {@link UnreadableTemplate} it cannot be read, or Core would read something else.
 */
export function readTemplateFile(path: string): unknown {
  const text = readText(path);
  try {
    return new Reader(text).content();
  } catch (error) {
    if (error instanceof RangeError) throw new UnreadableTemplate(TOO_DEEP);
    throw error;
  }
}

function readText(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new UnreadableTemplate(`cannot be read: ${(error as Error).message}`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UnreadableTemplate('is not UTF-8');
  }
}

class Reader {
  readonly #lines = new LineCounter();
  readonly #done = new Set<unknown>();

  constructor(readonly text: string) {}

  content(): unknown {
    const documents = parseAllDocuments(this.text, { lineCounter: this.#lines, prettyErrors: false });
    const [document] = documents as Document[];
    if (!document) throw new UnreadableTemplate('is empty; a template is one YAML document');
    if (documents.length > 1) {
      throw new UnreadableTemplate(`has ${documents.length} YAML documents; a template is one`);
    }
    this.#refuseErrors(document);
    this.#walk(document, document.contents, 0);
    return document.toJS();
  }

  #refuseErrors({ errors }: Document): void {
    const [error] = errors;
    if (!error) return;
    const [at] = error.pos;
    if (error.code !== 'DUPLICATE_KEY') {
      throw new UnreadableTemplate(`is not valid YAML: ${this.#line(at)}: ${error.message}`);
    }
    const key = this.text.slice(at).match(/^[\w.-]+/)?.[0] ?? '';
    throw new UnreadableTemplate(`${this.#line(at)}: key '${key}' twice; Core refuses the file, or keeps one of them`);
  }

  #walk(document: Document, node: unknown, depth: number): void {
    const target = isAlias(node) ? node.resolve(document) : node;
    if (isAlias(node) && !target) throw new UnreadableTemplate(`is not valid YAML: no anchor '${node.source}'`);
    if (depth > DEEPEST) throw new UnreadableTemplate(TOO_DEEP);
    if ((!isMap(target) && !isSeq(target)) || this.#done.has(target)) return;
    for (const item of target.items) {
      if (isPair(item)) this.#refuseMerge(item.key);
      const children = isPair(item) ? [item.key, item.value] : [item];
      for (const child of children.filter(isNode)) this.#walk(document, child, depth + 1);
    }
    this.#done.add(target);
  }

  #refuseMerge(key: unknown): void {
    if (!isScalar(key) || key.value !== '<<' || key.type !== 'PLAIN') return;
    throw new UnreadableTemplate(
      `${this.#line(key.range?.[0] ?? 0)}: '<<' merges nothing in Core, which takes it for a key; write the keys out`,
    );
  }

  #line(offset: number): string {
    return `line ${this.#lines.linePos(offset).line}`;
  }
}
