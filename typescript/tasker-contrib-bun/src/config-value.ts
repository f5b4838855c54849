/** One value of a configuration key: converted and checked by the contract's rule. */

import { CONFIG_KEYS, type ConfigKey, PATTERNS } from './contract.ts';
import { didYouMean } from './suggest.ts';

/** A value that Core's file can have. */
export type Value = string | number | boolean | readonly (string | number)[];

/** The value, or undefined after a problem was added. */
export function check(path: string, given: unknown, source: string, problems: string[]): Value | undefined {
  const key = CONFIG_KEYS[path] as ConfigKey;
  const bad = (rule: string) => {
    const shown = /url|token|key/i.test(source) ? mask(given) : show(given);
    problems.push(`${source} = ${shown} ${rule}`);
    return undefined;
  };
  const fromText = typeof given === 'string';
  switch (key.type) {
    case 'bool': {
      const value = fromText ? { true: true, false: false }[given.toLowerCase()] : given;
      return typeof value === 'boolean' ? value : bad('must be true or false');
    }
    case 'int':
    case 'float': {
      const value = fromText && given.trim() !== '' ? Number(given) : given;
      if (typeof value !== 'number' || !Number.isFinite(value)) return bad('must be a number');
      if (key.type === 'int' && !Number.isInteger(value)) return bad('must be a whole number');
      if ((key.min !== undefined && value < key.min) || (key.max !== undefined && value > key.max)) {
        return bad(`must be ${key.min ?? 'any number'} to ${key.max ?? 'any number'}`);
      }
      return value;
    }
    case 'str': {
      if (!fromText) return bad('must be a text');
      if (key.choices && !key.choices.includes(given)) {
        return bad(`must be one of ${key.choices.join(', ')}${didYouMean(given, key.choices)}`);
      }
      const pattern = key.pattern ? PATTERNS[key.pattern] : undefined;
      if (pattern && !pattern.regex.test(given)) return bad(`must look like ${pattern.doc}${correctedUrl(given)}`);
      return given;
    }
    default: {
      const wanted = key.type === 'int_list' ? 'number' : 'string';
      const fits = Array.isArray(given) && given.every((item) => typeof item === wanted);
      return fits ? (given as string[]) : bad(`must be a list of ${wanted}s`);
    }
  }
}

function correctedUrl(url: string): string {
  return /^postgres(\+\w+)?:\/\//.test(url) ? "; begin it with 'postgresql://'" : '';
}

function mask(value: unknown): string {
  return show(typeof value === 'string' ? value.replace(/:\/\/([^:/@]*):[^@]*@/, '://$1:***@') : value);
}

/** A value as a message has it. */
export function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
