/**
 * Values and texts as Core can store them. PostgreSQL refuses NUL, and Core's JSON reader what is nested too deep; the step that sent either
 * would never end.
 */

/** Levels of a value; Core reads 128 with what it puts around. */
export const LEVELS = 100;

const TOO_DEEP = `is nested in more than ${LEVELS} levels`;
const AS_TEXT = 'encode the value, with Base64 for example';

/** What cannot be stored. The message says where and why. */
export class NotStorable extends Error {}

/** Halves of UTF-16 pairs. An application compiles this file with its own `lib`, which may not have `isWellFormed` yet. */
const HALF_PAIRS = /\p{Surrogate}/gu;

/** The value as JSON has it. @throws {@link NotStorable} */
export function storable(value: unknown, name: string): unknown {
  const plain = written(value, name);
  check(plain, name, 0);
  return plain;
}

/** A text for messages: what cannot be stored is replaced. */
export function text(value: unknown): string {
  return String(value).replaceAll(HALF_PAIRS, '\ufffd').replaceAll('\0', '\ufffd');
}

/** The text of whatever was thrown, even of what throws when it is asked. */
export function messageOf(error: unknown): string {
  try {
    return text(error instanceof Error ? error.message : error) || 'thrown without a message';
  } catch {
    return 'something was thrown whose text cannot be read';
  }
}

function written(value: unknown, name: string): unknown {
  // The value as it was, before its toJSON: a Buffer's is a list of numbers.
  function refuseBytes(this: Record<string, unknown>, key: string, given: unknown) {
    const raw = this[key];
    if (!(raw instanceof ArrayBuffer || ArrayBuffer.isView(raw))) return given;
    throw new NotStorable(`${name} has bytes in '${key}'; ${AS_TEXT}`);
  }
  try {
    return JSON.parse(JSON.stringify(value, refuseBytes) ?? 'null');
  } catch (error) {
    if (error instanceof NotStorable) throw error;
    if (error instanceof RangeError) throw new NotStorable(`${name} ${TOO_DEEP}`);
    throw new NotStorable(`${name} cannot be written as JSON: ${messageOf(error)}`);
  }
}

function check(value: unknown, path: string, level: number): void {
  if (typeof value === 'string') checkText(value, path);
  if (typeof value !== 'object' || value === null) return;
  if (level >= LEVELS) throw new NotStorable(`${path.slice(0, 200)} ${TOO_DEEP}`);
  const isList = Array.isArray(value);
  for (const [key, item] of Object.entries(value)) {
    checkText(key, `a key of ${path}`);
    check(item, isList ? `${path}[${key}]` : `${path}.${key}`, level + 1);
  }
}

function checkText(value: string, path: string): void {
  if (value.includes('\0')) {
    throw new NotStorable(`${path} has a NUL character, which PostgreSQL cannot store; remove it, or ${AS_TEXT}`);
  }
  if (value.search(HALF_PAIRS) >= 0)
    throw new NotStorable(`${path} has half of a UTF-16 pair, which is not Unicode; ${AS_TEXT}`);
}
