import type {Static} from 'typebox';
import * as Type from 'typebox';
import {withoutValue} from '../facts/answer.ts';
import type {Attestation} from '../facts/attestations.ts';
import {type Judgement, judged} from '../finding.ts';
import {defineKind} from './kind.ts';

const schema = Type.Object(
  {
    statement: Type.String({minLength: 10, maxLength: 600, wanted: 'text of 10 to 600 characters'}),
    role: Type.Optional(Type.String({minLength: 2, maxLength: 120})),
    valid_days_at_most: Type.Optional(Type.Integer({minimum: 1, maximum: 3650})),
  },
  {additionalProperties: false},
);
type AttestCheck = Static<typeof schema>;

const dayMs = 86_400_000;

export const attestKind = defineKind<typeof schema>({
  name: 'attest',
  summary: 'What no program can see: a named person confirmed it, with a date and an expiry.',
  schema,
  canBeEmpty: () => false,
  wants: () => [{fact: 'attestations'}],
  judge: (check, facts, {now, rule}): Judgement[] => {
    const answer = facts.get({fact: 'attestations'});
    if (answer.state === 'unseen' || answer.state === 'live-only') return [withoutValue(rule, answer)];
    const {path, attestations} = answer.state === 'seen' ? answer.value : {path: 'attestations.yaml', attestations: []};
    const latest = attestations.filter(entry => entry.rule === rule).sort((a, b) => b.atMs - a.atMs)[0];
    if (latest === undefined) {
      return [
        {
          subject: rule,
          verdict: 'unknown',
          reason: `nobody has confirmed "${check.statement}": ${howTo(check, path, rule, now)}`,
        },
      ];
    }
    return [judgeLatest(check, latest, now, rule, howTo(check, path, rule, now))];
  },
  flips: check => [{what: 'valid_days_at_most', check: {...check, valid_days_at_most: 0}}],
  looks: () => 'Reads attestations.yaml of the policy directory (/etc/reeve/policies.d), which only root may write.',
  wanted: check =>
    `${check.role ?? 'a named person'} confirms: ${check.statement}${check.valid_days_at_most === undefined ? '' : `; at most ${check.valid_days_at_most} days old`}`,
});

function judgeLatest(
  check: AttestCheck,
  {by, at, atMs, expires, expiresMs, where}: Attestation,
  now: number,
  rule: string,
  cure: string,
): Judgement {
  const compared = [
    {what: 'confirmed', expected: check.statement, actual: `by ${by} at ${at}`, ok: atMs <= now},
    {what: 'expires', expected: `after ${new Date(now).toISOString()}`, actual: expires, ok: expiresMs > now},
  ];
  if (check.valid_days_at_most !== undefined) {
    const days = Math.ceil((expiresMs - atMs) / dayMs);
    const ok = expiresMs - atMs <= check.valid_days_at_most * dayMs;
    compared.push({
      what: 'holds for',
      expected: `at most ${check.valid_days_at_most} days`,
      actual: `${days} days`,
      ok,
    });
  }
  return judged(rule, compared, {where: [where], scope: 'effective', cure});
}

/** The entry to write, with times filled in. */
function howTo(check: AttestCheck, path: string, rule: string, now: number): string {
  const at = new Date(Math.floor(now / 1000) * 1000);
  const expires = new Date(at.getTime() + (check.valid_days_at_most ?? 365) * dayMs);
  const time = (date: Date) => date.toISOString().replace('.000Z', 'Z');
  const entry = `- {rule: ${rule}, by: NAME, at: "${time(at)}", expires: "${time(expires)}"}`;
  return `once ${check.role ?? 'a named person'} has made sure, add to "attestations:" in ${path}: ${entry}`;
}
