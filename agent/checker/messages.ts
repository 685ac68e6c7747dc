import type {Static} from 'typebox';
import * as Type from 'typebox';
import type {Finding} from '../../policies/finding.ts';

/**
 * What the daemon and a checker say to each other. A checker is a process for one job: it reads the job as one line of
 * JSON on standard input, answers with events, one line of JSON each, on standard output, and ends. It looks and judges,
 * so it may hang or grow; the daemon kills it for that and goes on.
 */
export type CheckerJob =
  /**
   * Read configuration, packs and waivers; write the site bundle when all is well. When something is wrong, `refused` is
   * followed by `loaded` with what an earlier bundle holds, where there is one. A bundle that says the same already is not
   * written again, so that a full disk keeps nobody from judging by it.
   */
  | {job: 'load'; config: string | null; bundle: string}
  /** Tell as `loaded` what an earlier bundle holds, without a look at what it was made of; `refused` when there is none. */
  | {job: 'last'; config: string | null; bundle: string}
  /**
   * Judge these rules (null: all of these packs; null: all) out of the bundle. `apart`: look up the facts of each rule by
   * themselves, so that the one that takes too long is found.
   */
  | {job: 'check'; bundle: string; packs: string[] | null; rules: string[] | null; apart: boolean};

const text = (maxLength: number) => Type.String({maxLength});
const problem = Type.Object({
  path: text(4200),
  line: Type.Integer(),
  column: Type.Integer(),
  message: text(2000),
  code: text(60),
});

/** A rule as the daemon knows it: enough to schedule it, watch for it, and speak of it when it was killed. */
export const knownRule = Type.Object({
  id: text(200),
  pack: text(60),
  severity: Type.Enum(['info', 'low', 'medium', 'high', 'critical']),
  title: text(300),
  why: text(4096),
  /** How long looking for it may take, milliseconds. */
  budgetMs: Type.Number({minimum: 1}),
  /**
   * Absolute paths whose change makes it worth judging again: an entry itself, or with a `/` at the end, the entries of a
   * directory.
   */
  watch: Type.Array(text(4096), {maxItems: 4096}),
});
export type KnownRule = Static<typeof knownRule>;

export const loadedEvent = Type.Object({
  event: Type.Literal('loaded'),
  digest: text(64),
  packs: Type.Array(Type.Object({name: text(60), version: text(40), title: text(300), digest: text(64)})),
  rules: Type.Array(knownRule),
  /** `checks` of agent.yaml, over the defaults. */
  checks: Type.Object({
    schedule: text(100),
    packs: Type.Record(Type.String(), text(100)),
    splayMinutes: Type.Integer({minimum: 0}),
    watch: Type.Boolean(),
  }),
  /** What the site itself is made of, like `watch` of a rule: a change there means loading anew. */
  site: Type.Array(text(4096)),
  notes: Type.Array(text(2000)),
  /** What agent.yaml says under `link`: the daemon hands it on to the link. */
  link: Type.Object({proxy: Type.Union([text(320), Type.Null()]), tlsEndsAtProxy: Type.Boolean()}),
});
export const refusedEvent = Type.Object({
  event: Type.Literal('refused'),
  code: text(60),
  message: text(2000),
  problems: Type.Array(problem),
  /** What to watch to learn that it was put right, as in `loaded`. */
  site: Type.Array(text(4096)),
});
/** From here to the next such event, time counts against these rules. */
export const lookingEvent = Type.Object({
  event: Type.Literal('looking'),
  what: text(400),
  rules: Type.Array(text(200)),
});
/**
 * What became of each waiver in this job. `own` is the finding on the waiver itself, null when there is nothing wrong with
 * it, `unknown` when that hangs on a rule that was not judged.
 */
export type WaiversEvent = {event: 'waivers'; waivers: Array<{id: string; own: Finding | null | 'unknown'}>};
export const doneEvent = Type.Object({event: Type.Literal('done'), durationMs: Type.Number()});
/** A finding is not checked again field by field: the checker has the same privilege and the same code. */
export type FindingEvent = {event: 'finding'; finding: Finding};

export type CheckerEvent =
  | Static<typeof loadedEvent>
  | Static<typeof refusedEvent>
  | Static<typeof lookingEvent>
  | Static<typeof doneEvent>
  | WaiversEvent
  | FindingEvent;
export type LoadedSite = Static<typeof loadedEvent>;
export type RefusedSite = Static<typeof refusedEvent>;
