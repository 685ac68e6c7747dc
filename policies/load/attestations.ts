import type {Static} from 'typebox';
import * as Type from 'typebox';
import type {Attestation} from '../facts/attestations.ts';
import {type Loaded, shapeProblems} from './pack.ts';
import type {Problem} from './problem.ts';
import {parseTime} from './time.ts';
import {readYaml} from './yaml.ts';

const text = (minLength: number, maxLength: number) =>
  Type.String({minLength, maxLength, wanted: `text of ${minLength} to ${maxLength} characters`});

const attestationSchema = Type.Object(
  {
    rule: text(1, 80),
    by: text(1, 200),
    at: text(1, 40),
    expires: text(1, 40),
    note: Type.Optional(text(1, 1000)),
    host: Type.Optional(text(1, 255)),
  },
  {additionalProperties: false},
);

const fileSchema = Type.Object(
  {attestations: Type.Array(Type.Unknown(), {maxItems: 10_000, wanted: 'a list of attestations'})},
  {additionalProperties: false},
);

/** Reads an attestations file: gives its entries, or every problem with its place. Times are RFC 3339 with a zone. */
export function loadAttestations(path: string, source: string): Loaded<Attestation[]> {
  const yaml = readYaml(path, source);
  if (yaml.problems.length > 0) return {value: null, problems: yaml.problems};
  const problems: Problem[] = shapeProblems(yaml, fileSchema, []);
  if (problems.length > 0) return {value: null, problems};
  const attestations: Attestation[] = [];
  for (const [index, value] of (yaml.value as Static<typeof fileSchema>).attestations.entries()) {
    const place = ['attestations', index];
    const shape = shapeProblems(yaml, attestationSchema, place, value);
    problems.push(...shape);
    if (shape.length > 0) continue;
    const entry = value as Static<typeof attestationSchema>;
    const [atMs, expiresMs] = [parseTime(entry.at), parseTime(entry.expires)];
    for (const [key, ms] of [
      ['at', atMs],
      ['expires', expiresMs],
    ] as const) {
      if (ms !== null) continue;
      const message = `"${entry[key]}" found, a time with a zone wanted, such as "2027-03-31T00:00:00Z"`;
      problems.push(yaml.problem([...place, key], message, 'REEVE_VALUE_INVALID'));
    }
    if (atMs === null || expiresMs === null) continue;
    if (expiresMs <= atMs) {
      problems.push(
        yaml.problem(
          [...place, 'expires'],
          `it expires at ${entry.expires}, before it was given at ${entry.at}`,
          'REEVE_VALUE_INVALID',
        ),
      );
    }
    const {rule, by, at, expires, note = null, host = null} = entry;
    const where = `${path}:${yaml.problem(place, '', 'REEVE_VALUE_INVALID').line}`;
    attestations.push({rule, by, at, atMs, expires, expiresMs, note, host, where});
  }
  return problems.length > 0 ? {value: null, problems} : {value: attestations, problems: []};
}
