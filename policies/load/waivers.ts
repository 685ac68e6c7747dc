import type {Static} from 'typebox';
import * as Type from 'typebox';
import type {Loaded} from './pack.ts';
import {shapeProblems} from './pack.ts';
import type {Problem} from './problem.ts';
import {parseTime} from './time.ts';
import {readYaml} from './yaml.ts';

/** A named person's acceptance of one failing rule until a time. */
export type Waiver = {
  id: string;
  rule: string;
  /** The finding's subject, or a pattern with `*`; null waives every subject of the rule. */
  subject: string | null;
  /** Host names that it holds on; null: every host that has the file. */
  hosts: string[] | null;
  reason: string;
  owner: string;
  approvedBy: string;
  expires: string;
  expiresMs: number;
  /** `path:line` */
  where: string;
};

const text = (minLength: number, maxLength: number) =>
  Type.String({minLength, maxLength, wanted: `text of ${minLength} to ${maxLength} characters`});

const waiverSchema = Type.Object(
  {
    id: Type.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
      wanted: 'an id of letters, digits, ".", "_" and "-"',
    }),
    rule: text(1, 80),
    subject: Type.Optional(text(1, 4096)),
    hosts: Type.Optional(Type.Array(text(1, 255), {minItems: 1, wanted: 'a list of host names'})),
    reason: text(10, 1000),
    owner: text(1, 200),
    approved_by: text(1, 200),
    expires: text(1, 40),
  },
  {additionalProperties: false},
);

const fileSchema = Type.Object(
  {waivers: Type.Array(Type.Unknown(), {wanted: 'a list of waivers'})},
  {additionalProperties: false},
);

/** Reads a waivers file: gives the waivers, or every problem with its place. `expires` must be RFC 3339 with a zone. */
export function loadWaivers(path: string, source: string): Loaded<Waiver[]> {
  const yaml = readYaml(path, source);
  if (yaml.problems.length > 0) return {value: null, problems: yaml.problems};
  const problems: Problem[] = shapeProblems(yaml, fileSchema, []);
  if (problems.length > 0) return {value: null, problems};
  const waivers: Waiver[] = [];
  for (const [index, value] of (yaml.value as Static<typeof fileSchema>).waivers.entries()) {
    const place = ['waivers', index];
    const shape = shapeProblems(yaml, waiverSchema, place, value);
    problems.push(...shape);
    if (shape.length > 0) continue;
    const waiver = value as Static<typeof waiverSchema>;
    const expiresMs = parseTime(waiver.expires);
    if (expiresMs === null) {
      const message = `"${waiver.expires}" found, a time with a zone wanted, such as "2027-03-31T00:00:00Z"`;
      problems.push(yaml.problem([...place, 'expires'], message, 'REEVE_VALUE_INVALID'));
      continue;
    }
    const earlier = waivers.find(({id}) => id === waiver.id);
    if (earlier !== undefined)
      problems.push(
        yaml.problem([...place, 'id'], `waiver id "${waiver.id}" is taken at ${earlier.where}`, 'REEVE_RULE_DUPLICATE'),
      );
    waivers.push({
      id: waiver.id,
      rule: waiver.rule,
      subject: waiver.subject ?? null,
      hosts: waiver.hosts ?? null,
      reason: waiver.reason,
      owner: waiver.owner,
      approvedBy: waiver.approved_by,
      expires: waiver.expires,
      expiresMs,
      where: `${path}:${yaml.problem(place, '', 'REEVE_VALUE_INVALID').line}`,
    });
  }
  return problems.length > 0 ? {value: null, problems} : {value: waivers, problems: []};
}
