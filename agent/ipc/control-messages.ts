import type {Static, TObject} from 'typebox';
import * as Type from 'typebox';
import {wireFinding} from '../../controller/protocol/batch.ts';
import {position, uuid} from '../../controller/protocol/messages.ts';
import {fromLink} from './link-messages.ts';

/** Of what is wrong with the configuration, so many problems are told, and so much of each. */
export const maxProblems = 5;
export const maxProblem = 1000;

/**
 * What root may ask the running agent on `agent.sock` (ipc/frames.ts): one request `{verb: <name>, ...}` a connection;
 * then answers `{ok: true, ...}`, the last of which has `end: true`, or one `{ok: false, code, message}`.
 */
const name = Type.String({minLength: 1, maxLength: 200});
const time = Type.String({maxLength: 30});
const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(type: T) => Type.Union([type, Type.Null()]);

export const controlRequests = {
  status: Type.Object({verb: Type.Literal('status')}, {additionalProperties: false}),
  /** The findings as they are now, a page an answer. */
  findings: Type.Object(
    {
      verb: Type.Literal('findings'),
      packs: Type.Optional(Type.Array(name, {maxItems: 64})),
      rules: Type.Optional(Type.Array(name, {maxItems: 1000})),
      verdicts: Type.Optional(Type.Array(name, {maxItems: 6})),
      severities: Type.Optional(Type.Array(name, {maxItems: 5})),
    },
    {additionalProperties: false},
  ),
  /** Judge now, all packs or these, and answer when it is done. */
  check: Type.Object(
    {verb: Type.Literal('check'), packs: Type.Optional(Type.Array(name, {maxItems: 64}))},
    {additionalProperties: false},
  ),
  /** Begin an enrolment and answer when the controller took or refused it. */
  enroll: Type.Object(
    {verb: Type.Literal('enroll'), ticket: Type.String({maxLength: 4096}), replace: Type.Optional(Type.Boolean())},
    {additionalProperties: false},
  ),
} as const satisfies {[verb: string]: TObject};

/** One finding of this host, with what only the host knows of it. */
export const localFinding = Type.Object({
  finding: wireFinding,
  /** Since when the verdict is what it is, and when it was last looked at. */
  since: time,
  observedAt: time,
  /** What its rule is called, where that is known. */
  title: Type.Optional(Type.String({maxLength: 300})),
});
export type LocalFinding = Static<typeof localFinding>;

export const agentStatus = Type.Object({
  reeve: Type.String(),
  pid: Type.Integer(),
  startedAt: time,
  hostname: Type.String(),
  enrolment: nullable(Type.Object({url: Type.String(), agent: uuid, fleet: uuid})),
  packs: Type.Array(
    Type.Object({
      name,
      version: Type.String(),
      rules: Type.Integer(),
      schedule: Type.String(),
      /** When it is judged next, splay included; when it was judged last in full; and how long that took. */
      nextAt: nullable(time),
      checkedAt: nullable(time),
      durationMs: nullable(Type.Number()),
    }),
  ),
  /**
   * Why the last good packs, or none, are in force instead of what is in the files, or null. `problems`: the first, each as
   * `path:line:column: message [CODE]`.
   */
  refused: nullable(
    Type.Object({
      code: Type.String(),
      message: Type.String(),
      problems: Type.Array(Type.String({maxLength: maxProblem}), {maxItems: maxProblems}),
      at: time,
    }),
  ),
  running: nullable(Type.String()),
  watched: Type.Object({paths: Type.Integer(), rules: Type.Integer(), problem: nullable(Type.String())}),
  counts: Type.Record(Type.String(), Type.Integer()),
  stream: Type.Object({at: position, stored: nullable(position), waiting: Type.Integer(), bytes: Type.Integer()}),
  link: nullable(fromLink.status),
});
export type AgentStatus = Static<typeof agentStatus>;

export type ControlRequest = {
  [V in keyof typeof controlRequests]: Static<(typeof controlRequests)[V]>;
}[keyof typeof controlRequests];

/** The body of answers that are no refusal, by verb. Those of `findings` come a page each; all others come once. */
export const controlAnswers = {
  status: Type.Object({status: agentStatus}),
  findings: Type.Object({findings: Type.Array(localFinding, {maxItems: 64})}),
  check: Type.Object({durationMs: Type.Number()}),
  enroll: Type.Object({url: Type.String(), agent: uuid, fleet: uuid}),
} as const satisfies {[V in keyof typeof controlRequests]: TObject};
export type ControlAnswer<V extends keyof typeof controlAnswers> = Static<(typeof controlAnswers)[V]>;

/** An answer as it travels: `end` with the last one. `code` is one of docs/errors.md. */
export const controlHead = Type.Union([
  Type.Object({ok: Type.Literal(true), end: Type.Optional(Type.Boolean())}),
  Type.Object({ok: Type.Literal(false), code: Type.String({maxLength: 60}), message: Type.String({maxLength: 4000})}),
]);
