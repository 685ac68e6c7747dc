import type {Static, TSchema} from 'typebox';
import {hasShape} from '../../../controller/protocol/shape.ts';

/**
 * One thing that a peer may ask: in which phases of its connection, whether but once in it, what its message must look
 * like, and what is done. All that a socket answers is in a list of these.
 */
export type Verb<Phase extends string, Context> = {
  verb: string;
  phase: Phase | readonly Phase[];
  once: boolean;
  parse: (value: unknown) => boolean;
  handle: (context: Context, message: never) => void;
};

/** A row whose `handle` gets what its schema says. */
export const verb = <Phase extends string, Context, S extends TSchema>(row: {
  verb: string;
  phase: Phase | readonly Phase[];
  once?: boolean;
  schema: S;
  handle: (context: Context, message: Static<S>) => void;
}): Verb<Phase, Context> => ({
  verb: row.verb,
  phase: row.phase,
  once: row.once ?? false,
  parse: value => hasShape(row.schema, value),
  handle: row.handle,
});

/** Why a connection is ended; the names stand in the log. */
export type Refusal = 'MISSHAPEN' | 'UNKNOWN_VERB' | 'OUT_OF_PHASE' | 'ONCE_ONLY';

/**
 * Finds the row for a message and does what it says, or says why not. `key` is the member that names the verb, `used`
 * the verbs that this connection had.
 */
export function dispatch<Phase extends string, Context>(
  rows: ReadonlyArray<Verb<Phase, Context>>,
  key: 't' | 'verb',
  value: unknown,
  {phase, used, context}: {phase: Phase; used: Set<string>; context: Context},
): {refusal: Refusal; verb: string | null} | null {
  const name = typeof value === 'object' && value !== null ? (value as {[key: string]: unknown})[key] : undefined;
  if (typeof name !== 'string') return {refusal: 'MISSHAPEN', verb: null};
  const row = rows.find(row => row.verb === name);
  if (row === undefined) return {refusal: 'UNKNOWN_VERB', verb: name.slice(0, 40)};
  if (typeof row.phase === 'string' ? row.phase !== phase : !row.phase.includes(phase))
    return {refusal: 'OUT_OF_PHASE', verb: name};
  if (row.once && used.has(name)) return {refusal: 'ONCE_ONLY', verb: name};
  if (!row.parse(value)) return {refusal: 'MISSHAPEN', verb: name};
  used.add(name);
  row.handle(context, value as never);
  return null;
}
