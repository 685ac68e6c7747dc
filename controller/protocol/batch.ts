import type {Static} from 'typebox';
import * as Type from 'typebox';
import {limits} from './limits.ts';
import {uuid} from './messages.ts';
import {hasShape} from './shape.ts';

/** The DSSE payload type of a batch. */
export const batchType = 'application/vnd.reeve.batch.v1+json+zstd';

const text = (maxLength: number) => Type.String({maxLength});
const values = Type.Record(text(200), Type.Unknown(), {maxProperties: 200});
const time = Type.String({pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,3})?Z$', maxLength: 24});
const count = Type.Integer({minimum: 0, maximum: Number.MAX_SAFE_INTEGER});

const verdict = Type.Enum(['pass', 'fail', 'waived', 'not-applicable', 'unknown', 'error']);
const severity = Type.Enum(['info', 'low', 'medium', 'high', 'critical']);

/**
 * A finding as it travels: what `policies/finding.ts` says of it but for when it was looked at and at what cost. `last`
 * is the last verdict that was seen, where this one is `unknown` because looking took too long or the program was killed.
 */
export const wireFinding = Type.Object({
  rule: Type.String({minLength: 1, maxLength: 200}),
  pack: Type.String({minLength: 1, maxLength: 60}),
  severity,
  subject: text(4096),
  verdict,
  expected: Type.Optional(values),
  actual: Type.Optional(values),
  wrong: Type.Optional(Type.Array(text(200), {maxItems: 200})),
  where: Type.Optional(Type.Array(text(4200), {maxItems: 200})),
  scope: Type.Optional(Type.Enum(['runtime', 'persistent', 'effective'])),
  cure: Type.Optional(text(4096)),
  waiver: Type.Optional(
    Type.Object({id: text(200), owner: text(200), approvedBy: text(200), reason: text(2000), expires: text(40)}),
  ),
  reason: Type.Optional(text(4096)),
  error: Type.Optional(Type.Object({code: text(100), message: text(4096)})),
  last: Type.Optional(Type.Object({verdict, observedAt: time})),
});
export type WireFinding = Static<typeof wireFinding>;

/**
 * One step of a host's stream. `set`: this finding is so now; it takes the place of the one with its rule and subject.
 * `gone`: there is no such finding any more. `reset`: a whole set follows, from here to `settled`, after which findings
 * that it did not name are gone. `gap`: steps were left out, `count` of them; the end states are all there.
 */
export const itemSchemas = {
  set: Type.Object({n: count, t: Type.Literal('set'), at: Type.Optional(time), f: wireFinding}),
  gone: Type.Object({n: count, t: Type.Literal('gone'), at: Type.Optional(time), rule: text(200), subject: text(4096)}),
  reset: Type.Object({n: count, t: Type.Literal('reset')}),
  settled: Type.Object({
    n: count,
    t: Type.Literal('settled'),
    count,
    digest: Type.String({pattern: '^[0-9a-f]{64}$'}),
  }),
  gap: Type.Object({n: count, t: Type.Literal('gap'), count, reason: text(200)}),
} as const;
export type Item = {[T in keyof typeof itemSchemas]: Static<(typeof itemSchemas)[T]>}[keyof typeof itemSchemas];

/**
 * What the payload of a batch holds. It speaks for all numbers `from` to `to`: those that no item has were replaced by a
 * later step of the same finding before they left the host, and a `gap` says how many. Items ascend in `n`.
 * `at` is when the items without an own `at` were seen. Unlike in the envelope, an unknown field here is refused.
 */
const batchHead = Type.Object(
  {
    v: Type.Literal(1),
    agent: uuid,
    epoch: count,
    from: count,
    to: count,
    at: time,
    items: Type.Array(Type.Unknown(), {maxItems: limits.batchItems}),
  },
  {additionalProperties: false},
);
export type Batch = Omit<Static<typeof batchHead>, 'items'> & {items: Item[]};

/** Whether a value has the shape of a batch. Each item is held against the schema of its own `t` alone: half the time. */
export const isBatch = (value: unknown): value is Batch => hasShape(batchHead, value) && value.items.every(isItem);

function isItem(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('t' in value)) return false;
  const {t} = value;
  return typeof t === 'string' && Object.hasOwn(itemSchemas, t) && hasShape(itemSchemas[t as Item['t']], value);
}
