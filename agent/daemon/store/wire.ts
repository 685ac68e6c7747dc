import {createHash} from 'node:crypto';
import type {WireFinding} from '../../../controller/protocol/batch.ts';
import {limits} from '../../../controller/protocol/limits.ts';
import type {Finding, WaiverNote} from '../../../policies/finding.ts';
import type {Json} from '../../../policies/json.ts';

/** How much of a finding is kept: characters of a text, items of a list, keys of a mapping, and depth inside a value. */
type Room = {text: number; items: number; keys: number; depth: number};
/** Each is tried in turn. The first is what `wireFinding` allows; the last always fits but for hostile bytes. */
const rooms: readonly Room[] = [
  {text: 4096, items: 200, keys: 200, depth: 6},
  {text: 1000, items: 60, keys: 60, depth: 5},
  {text: 300, items: 20, keys: 30, depth: 4},
  {text: 100, items: 8, keys: 12, depth: 2},
  {text: 40, items: 3, keys: 6, depth: 1},
];
const maxKeyLength = 200;
const maxSubjectBytes = 2048;

/**
 * A finding as it travels: without when it was looked at and at what cost, every text well-formed Unicode, at most
 * `limits.finding` bytes of JSON. What is longer is cut where it is long, and says there how much is missing.
 */
export function toWire(finding: Finding): WireFinding {
  for (const room of rooms) {
    const wire = fitted(finding, room);
    if (jsonBytes(wire) <= limits.finding) return wire;
  }
  return {...head(finding), reason: 'what was found is too large to be kept'};
}

function fitted(finding: Finding, room: Room): WireFinding {
  const text = (value: string, max = room.text) => cut(value, Math.min(max, room.text));
  const texts = (values: string[], max: number) =>
    shortened(
      values.map(value => text(value, max)),
      room.items,
      missing => `… (${missing} more)`,
    );
  const wire = head(finding);
  if ('error' in finding)
    return {...wire, error: {code: text(finding.error.code, 100), message: text(finding.error.message)}};
  if ('reason' in finding) return {...wire, reason: text(finding.reason)};
  const {expected, actual, wrong, where, scope, cure, waiver} = finding;
  const keep = (values: {[what: string]: Json}) => keptKeys(values, wrong, room);
  return {
    ...wire,
    expected: keep(expected),
    actual: keep(actual),
    wrong: texts(wrong, maxKeyLength),
    where: texts(where, 4200),
    scope,
    ...(cure === undefined ? {} : {cure: text(cure)}),
    ...(waiver === undefined ? {} : {waiver: keptWaiver(waiver, text)}),
  };
}

const head = ({rule, pack, severity, subject, verdict}: Finding) => ({
  rule: cut(rule, 200),
  pack: cut(pack, 60),
  severity,
  subject: keptSubject(subject),
  verdict,
});

const keptWaiver = (
  {id, owner, approvedBy, reason, expires}: WaiverNote,
  text: (value: string, max: number) => string,
) => ({
  id: text(id, 200),
  owner: text(owner, 200),
  approvedBy: text(approvedBy, 200),
  reason: text(reason, 2000),
  expires: text(expires, 40),
});

/** A subject tells findings of a rule apart, so what is cut off leaves its digest behind. */
function keptSubject(subject: string): string {
  const whole = subject.toWellFormed();
  if (whole.length <= 4096 && jsonBytes(whole) <= maxSubjectBytes) return whole;
  const digest = createHash('sha256').update(whole).digest('hex');
  let kept = cut(whole, 1900);
  while (jsonBytes(kept) > maxSubjectBytes - 100) kept = cut(whole, Math.floor(kept.length / 2));
  return `${kept} sha256:${digest}`;
}

/** The keys that differ come first, since they are what the reader needs. */
function keptKeys(values: {[what: string]: Json}, first: string[], room: Room): {[what: string]: Json} {
  const entries = Object.entries(values);
  const ahead = new Set(first);
  const ordered =
    entries.length <= room.keys
      ? entries
      : [...entries.filter(([key]) => ahead.has(key)), ...entries.filter(([key]) => !ahead.has(key))];
  return mapping(ordered, room, room.depth);
}

function mapping(entries: Array<[string, Json]>, room: Room, depth: number): {[what: string]: Json} {
  const keep = entries.length <= room.keys ? entries.length : room.keys - 1;
  const kept = entries
    .slice(0, keep)
    .map(([key, value]): [string, Json] => [
      cut(key, Math.min(maxKeyLength, room.text)),
      keptValue(value, room, depth),
    ]);
  if (keep < entries.length) kept.push(['…', `${entries.length - keep} more`]);
  return Object.fromEntries(kept);
}

function keptValue(value: Json, room: Room, depth: number): Json {
  if (typeof value === 'string') return cut(value, room.text);
  if (typeof value !== 'object' || value === null) return value;
  if (depth <= 1) return cut(JSON.stringify(value), room.text);
  if (Array.isArray(value))
    return shortened(
      value.map(item => keptValue(item, room, depth - 1)),
      room.items,
      missing => `… (${missing} more)`,
    );
  return mapping(Object.entries(value), room, depth - 1);
}

function shortened<T>(values: T[], max: number, note: (missing: number) => T): T[] {
  return values.length <= max ? values : [...values.slice(0, max - 1), note(values.length - max + 1)];
}

/** At most `max` UTF-16 units, the note on what is missing among them. */
function cut(text: string, max: number): string {
  if (text.length <= max) return text.toWellFormed();
  const note = `… (${text.length} characters)`;
  return `${text.slice(0, Math.max(0, max - note.length))}${note}`.toWellFormed().slice(0, max);
}

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value), 'utf8');
