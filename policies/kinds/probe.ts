import type {Static} from 'typebox';
import * as Type from 'typebox';
import {compareExpectation, expectationSchema, flipExpectation, operatorsOf, wantedText} from '../expect.ts';
import {withoutValue} from '../facts/answer.ts';
import type {ProbeFact} from '../facts/probe.ts';
import {type Comparison, type Judgement, judged} from '../finding.ts';
import {isInterpreter} from '../interpreters.ts';
import type {Json} from '../json.ts';
import {defineKind} from './kind.ts';
import {orList, shellWord} from './shared.ts';

const word = Type.String({pattern: '^[^\\u0000]*$', maxLength: 1024, wanted: 'text'});
const status = Type.Integer({minimum: 0, maximum: 255});
const schema = Type.Object(
  {
    command: Type.Array(word, {
      minItems: 1,
      maxItems: 32,
      wanted: 'a list: an absolute path below /usr, then its arguments',
    }),
    user: Type.Optional(Type.String({pattern: '^[a-z_][a-z0-9_-]{0,31}$', wanted: "an ordinary user's name"})),
    timeout_seconds: Type.Optional(Type.Integer({minimum: 1, maximum: 30})),
    exit: Type.Optional(
      Type.Union([status, Type.Array(status, {minItems: 1, maxItems: 32})], {
        wanted: 'an exit status or a list of them',
      }),
    ),
    json: Type.Optional(
      Type.Record(Type.String({minLength: 1, maxLength: 256}), expectationSchema, {
        minProperties: 1,
        maxProperties: 32,
      }),
    ),
  },
  {additionalProperties: false},
);
type ProbeCheck = Static<typeof schema>;

export const probeKind = defineKind<typeof schema>({
  name: 'probe',
  summary: 'The last resort: what a fixed command of a signed pack prints, or how it ends.',
  schema,
  problems: check => problems(check),
  canBeEmpty: () => true,
  wants: check => [requestOf(check)],
  judge: (check, facts): Judgement[] => {
    const subject = commandText(check);
    const answer = facts.get(requestOf(check));
    if (answer.state === 'unseen' || answer.state === 'live-only') return [withoutValue(subject, answer)];
    if (answer.state === 'absent') return [{subject, verdict: 'none', reason: answer.reason}];
    return [judgeOutput(check, subject, answer.value)];
  },
  flips: check => flips(check),
  looks: check =>
    `Runs "${commandText(check)}" as ${check.user ?? 'nobody'}, without privileges, for at most ${check.timeout_seconds ?? 10} s.`,
  wanted: check =>
    [
      `${commandText(check)}: exit status ${orList(exitsOf(check).map(String))}`,
      ...Object.entries(check.json ?? {}).map(([path, wanted]) => `${path} ${wantedText(wanted)}`),
    ].join(', '),
});

const requestOf = (check: ProbeCheck) =>
  ({
    fact: 'probe',
    command: check.command,
    user: check.user ?? null,
    timeoutSeconds: check.timeout_seconds ?? 10,
  }) as const;
const commandText = (check: ProbeCheck): string => check.command.map(shellWord).join(' ');
const exitsOf = (check: ProbeCheck): number[] => (check.exit === undefined ? [0] : [check.exit].flat());

function problems(check: ProbeCheck): Array<{at: string[]; message: string}> {
  const found: Array<{at: string[]; message: string}> = [];
  const [path = ''] = check.command;
  if (!/^\/usr(?:\/[^/]+)+$/.test(path) || /\/\.\.?(?:\/|$)/.test(path)) {
    found.push({at: ['command', '0'], message: `"${path}" found, an absolute path below /usr wanted`});
  } else if (isInterpreter(path)) {
    found.push({at: ['command', '0'], message: `${path} runs whatever it is told to: name the program itself`});
  }
  if (check.user === 'root') found.push({at: ['user'], message: 'a probe never runs as root'});
  if (check.exit === undefined && check.json === undefined)
    found.push({at: [], message: 'nothing is expected: give "exit" or "json"'});
  for (const [at, wanted] of Object.entries(check.json ?? {})) {
    if (operatorsOf(wanted).length === 0)
      found.push({at: ['json', at], message: 'nothing is expected: give "is", "present" or the like'});
  }
  return found;
}

function judgeOutput(check: ProbeCheck, subject: string, {exitCode, stdout, stderr}: ProbeFact): Judgement {
  const exits = exitsOf(check);
  const complaint = stderr.trim().split('\n')[0]?.slice(0, 200) ?? '';
  const actual = exits.includes(exitCode) || complaint === '' ? String(exitCode) : `${exitCode} (${complaint})`;
  const compared: Comparison[] = [
    {what: 'exit status', expected: orList(exits.map(String)), actual, ok: exits.includes(exitCode)},
  ];
  if (check.json !== undefined && exits.includes(exitCode)) {
    const document = parse(stdout);
    if (document === undefined) return {subject, verdict: 'unknown', reason: `${check.command[0]} does not print JSON`};
    for (const [path, wanted] of Object.entries(check.json))
      compared.push(compareExpectation(path, wanted, textAt(document, path)));
  }
  return judged(subject, compared, {where: [subject], scope: 'runtime'});
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** The value that a path such as `status.0.name` leads to, as text; null when there is none. */
function textAt(document: Json, path: string): string | string[] | null {
  let value: Json | undefined = document;
  for (const step of path.split('.')) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, step)) return null;
    value = (value as {[key: string]: Json})[step];
  }
  if (value === null || value === undefined) return null;
  return Array.isArray(value) ? value.map(asText) : asText(value);
}

const asText = (value: Json): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));

function flips(check: ProbeCheck): Array<{what: string; check: ProbeCheck}> {
  const other = [255, 254].find(exit => !exitsOf(check).includes(exit)) ?? 253;
  const turned: Array<{what: string; check: ProbeCheck}> =
    check.exit === undefined ? [] : [{what: 'exit', check: {...check, exit: other}}];
  for (const [path, wanted] of Object.entries(check.json ?? {})) {
    for (const flip of flipExpectation(wanted))
      turned.push({what: `json.${path}.${flip.what}`, check: {...check, json: {...check.json, [path]: flip.check}}});
  }
  return turned;
}
