/**
 * Checks keys, types and values of a template by the JSON Schema that all packages share. Core ignores what it does
 * not know, and drops the whole file for a wrong type.
 */

import { type Schema, Validator } from '@cfworker/json-schema';
import { didYouMean } from './suggest.ts';
import schema from './task-template.schema.json' with { type: 'json' };

type Mapping = Record<string, unknown>;

/** Their own errors come as well, with the place. */
const CONTAINERS = ['properties', 'items', '$ref', 'false'];
const LONGEST = 60;

let validator: Validator | undefined;

/**
 * What does not fit the schema, one sentence each.
 *
 * @example `step 'a': retry.max_attempts = 0 must be a whole number, 1 to 100`
 */
export function shapeProblems(raw: Mapping): string[] {
  validator ??= new Validator(schema as unknown as Schema, '2020-12', false);
  const errors = validator.validate(raw).errors.filter(({ keyword }) => !CONTAINERS.includes(keyword));
  return [
    ...new Set(
      errors.flatMap(({ keyword, keywordLocation, instanceLocation }) =>
        sentences(keyword, ruleAt(keywordLocation), ...placeOf(raw, instanceLocation)),
      ),
    ),
  ];
}

function sentences(keyword: string, rule: Schema, subject: string, value: unknown): string[] {
  const table = subject ? `${subject}: ` : '';
  if (keyword === 'additionalProperties') {
    const known = Object.keys(rule.properties ?? {});
    return Object.keys(value as Mapping)
      .filter((key) => !known.includes(key))
      .map((key) => `${table}unknown key '${key}', which Core would ignore${didYouMean(key, known)}`);
  }
  if (keyword === 'required') {
    const missing = (rule.required ?? []).filter((key) => !Object.hasOwn(value as Mapping, key)).sort();
    const names = missing.map((key) => `'${key}'`).join(', ');
    return [`${table}${names} ${missing.length === 1 ? 'is' : 'are'} missing; Core refuses the whole file`];
  }
  if (keyword === 'enum') {
    const choices = rule.enum as string[];
    return [`${subject} = ${shown(value)} is not one of ${choices.join(', ')}${didYouMean(String(value), choices)}`];
  }
  return [`${subject || 'it'} = ${shown(value)} must be ${rule.description}`];
}

/** The part of the schema that a location names; the location goes through `$ref`. */
function ruleAt(location: string): Schema {
  const root = schema as unknown as Schema;
  let rule: any = root;
  for (const key of location.split('/').slice(1, -1)) {
    rule = key === '$ref' ? root.$defs?.[rule.$ref.replace('#/$defs/', '')] : rule[key];
  }
  return rule;
}

/** `step 'a': publishes_events 'a.b': condition`, and the value there. */
function placeOf(raw: Mapping, location: string): [subject: string, value: unknown] {
  const parts: string[] = [];
  let dotted = '';
  let value: any = raw;
  for (const key of location.split('/').slice(1)) {
    const inList = Array.isArray(value);
    value = value[key];
    if (!inList) {
      dotted = dotted ? `${dotted}.${key}` : key;
      continue;
    }
    const kind = dotted === 'steps' ? 'step' : dotted;
    if (typeof value?.name === 'string' && value.name) parts.push(`${kind} '${value.name}'`);
    else parts.push(kind === 'step' ? `step ${Number(key) + 1}` : `${kind}[${key}]`);
    dotted = '';
  }
  return [[...parts, ...(dotted ? [dotted] : [])].join(': '), value];
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  const text = typeof value === 'string' ? `'${value}'` : String(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
