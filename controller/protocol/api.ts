import type {Static} from 'typebox';
import * as Type from 'typebox';
import {wireFinding} from './batch.ts';
import {inventoryDocument} from './documents.ts';

/**
 * The shapes of the controller's HTTP interface, `/api/v1`. Server, page, command line and the OpenAPI description all
 * take them from here. Times are RFC 3339 in UTC.
 */
const text = (description: string) => Type.String({description, maxLength: 4096});
const time = (description: string) => Type.String({description, format: 'date-time'});
const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(type: T) => Type.Union([type, Type.Null()]);
const count = (description: string) => Type.Integer({description, minimum: 0});
const position = nullable(Type.Object({epoch: count('which stream'), n: count('its last number')}));

export const maxPageSize = 500;
const limit = Type.Optional(
  Type.Integer({minimum: 1, maximum: maxPageSize, default: 100, description: 'how many to answer with at most'}),
);
const cursor = Type.Optional(Type.String({maxLength: 12_000, description: 'what `next` of the page before said'}));
const verdict = Type.Enum(['pass', 'fail', 'waived', 'not-applicable', 'unknown', 'error']);
const severity = Type.Enum(['info', 'low', 'medium', 'high', 'critical']);
const several = <T extends Parameters<typeof Type.Array>[0]>(type: T, description: string) =>
  Type.Optional(Type.Array(type, {maxItems: 50, description}));
const id = Type.String({minLength: 1, maxLength: 200});

const counts = Type.Object(
  {
    pass: Type.Integer(),
    fail: Type.Integer(),
    waived: Type.Integer(),
    'not-applicable': Type.Integer(),
    unknown: Type.Integer(),
    error: Type.Integer(),
  },
  {description: 'findings by verdict'},
);

export const hostInfo = Type.Object({
  id: text('the id that the controller gave'),
  name: text('what the host calls itself'),
  state: Type.Enum(['active', 'frozen', 'removed']),
  stateReason: nullable(text('why it is frozen or removed')),
  connected: Type.Boolean(),
  enrolledAt: time('when it enrolled'),
  lastSeenAt: nullable(time('when the controller last heard of it, to the minute')),
  reeve: text('the version of reeve on it'),
  os: nullable(text('its operating system, once its inventory is known')),
  stream: position,
  checkedAt: Type.Record(Type.String(), Type.String(), {description: 'pack to when it was last judged whole'}),
  clockSkewMs: nullable(Type.Integer({description: 'how far its clock is ahead of the controller, milliseconds'})),
  degraded: Type.Boolean({description: 'a proxy ends its TLS, so its hello is not bound to the connection'}),
  counts,
});
export type HostInfo = Static<typeof hostInfo>;

export const hostDetail = Type.Object({
  ...hostInfo.properties,
  inventory: nullable(inventoryDocument),
  packs: Type.Array(Type.Object({name: text('its name'), version: text('its version'), title: text('its title')})),
  gaps: Type.Array(
    Type.Object({count: count('steps left out'), reason: text('why'), receivedAt: time('when the host said so')}),
    {description: 'the newest fifty'},
  ),
});
export type HostDetail = Static<typeof hostDetail>;

export const hostQuery = Type.Object(
  {
    name: Type.Optional(id),
    text: Type.Optional(Type.String({minLength: 1, maxLength: 100, description: 'a part of the name'})),
    state: Type.Optional(Type.Enum(['active', 'frozen', 'removed'])),
    limit,
    cursor,
  },
  {additionalProperties: false},
);
export type HostQuery = Static<typeof hostQuery>;
export const hostPage = Type.Object({hosts: Type.Array(hostInfo), next: nullable(Type.String())});
export type HostPage = Static<typeof hostPage>;

export const findingInfo = Type.Object({
  host: text('id of the host'),
  hostName: text('what the host calls itself'),
  title: nullable(text('the title of the rule, once the rules of the host are known')),
  why: nullable(text('why the rule is there')),
  since: time('since when the verdict is this, on the host clock'),
  observedAt: time('when the host saw what it says, on its clock'),
  receivedAt: time('when the controller stored it'),
  finding: wireFinding,
});
export type FindingInfo = Static<typeof findingInfo>;

export const findingQuery = Type.Object(
  {
    host: several(id, 'id or name of a host; repeatable'),
    pack: several(id, 'name of a pack; repeatable'),
    rule: several(id, 'id of a rule; repeatable'),
    verdict: several(verdict, 'repeatable'),
    severity: several(severity, 'repeatable'),
    order: Type.Optional(
      Type.Enum(['host', 'worst'], {
        default: 'host',
        description: 'host: by host, rule and subject; worst: failures first, the most severe of them first of all',
      }),
    ),
    limit,
    cursor,
  },
  {additionalProperties: false},
);
export type FindingQuery = Static<typeof findingQuery>;
export const findingPage = Type.Object({
  findings: Type.Array(findingInfo, {description: 'sorted as `order` says'}),
  next: nullable(Type.String()),
});
export type FindingPage = Static<typeof findingPage>;

export const totals = Type.Object({
  hosts: Type.Object({active: count('reporting'), frozen: count('waiting for a person'), removed: count('gone')}),
  connected: count('hosts that are connected now'),
  failing: count('hosts with at least one failure'),
  findings: Type.Array(Type.Object({verdict, severity, count: count('how many')})),
  changes: count('changes that are kept'),
  gaps: count('gaps that are kept'),
  databaseBytes: count('size of the database'),
});
export type Totals = Static<typeof totals>;

export const ruleInfo = Type.Object({
  id: text('what findings call it'),
  pack: text('the pack that it is in'),
  severity: text('how bad its failure is'),
  title: text('what it asks for'),
  why: text('why it is there'),
});
export type RuleInfo = Static<typeof ruleInfo>;
export const ruleQuery = Type.Object(
  {
    text: Type.Optional(Type.String({minLength: 1, maxLength: 100, description: 'a part of the id or of the title'})),
    pack: several(id, 'name of a pack; repeatable'),
    limit,
    cursor,
  },
  {additionalProperties: false},
);
export type RuleQuery = Static<typeof ruleQuery>;
export const rulePage = Type.Object({
  rules: Type.Array(ruleInfo, {description: 'sorted by id'}),
  packs: Type.Array(Type.String(), {description: 'names of all packs that hosts have'}),
  next: nullable(Type.String()),
});
export type RulePage = Static<typeof rulePage>;

export const stateRequest = Type.Object(
  {state: Type.Enum(['active', 'removed'], {description: 'active ends a freeze; removed is for ever'})},
  {additionalProperties: false},
);
export type StateRequest = Static<typeof stateRequest>;

export const changeInfo = Type.Object({
  host: text('id of the host'),
  hostName: text('what the host calls itself'),
  epoch: count('which stream of the host'),
  n: count('number of the step in it'),
  rule: text('id of the rule'),
  subject: text('what the finding is about'),
  before: nullable(verdict),
  after: nullable(verdict),
  finding: nullable(wireFinding),
  observedAt: time('on the host clock'),
  receivedAt: time('when the controller stored it'),
});
export type ChangeInfo = Static<typeof changeInfo>;
export const changeQuery = Type.Object(
  {
    host: Type.Optional(id),
    rule: Type.Optional(id),
    only: Type.Optional(
      Type.Enum(['verdict'], {
        description: 'verdict: where a finding that was there before got another verdict, or went',
      }),
    ),
    limit,
    cursor,
  },
  {additionalProperties: false},
);
export type ChangeQuery = Static<typeof changeQuery>;
export const changePage = Type.Object({
  changes: Type.Array(changeInfo, {description: 'the newest first'}),
  next: nullable(Type.String()),
});
export type ChangePage = Static<typeof changePage>;

export const tokenInfo = Type.Object({
  id: text('what it is revoked by'),
  kind: Type.Enum(['enrol', 'api']),
  name: text('whom or what it is for'),
  scope: Type.Enum(['read', 'admin', 'enrol']),
  createdAt: time('when it was made'),
  createdBy: text('who made it'),
  expiresAt: time('until when it is good'),
  usesLeft: nullable(Type.Integer()),
  lastUsedAt: nullable(time('when it was last shown')),
  revokedAt: nullable(time('when it was revoked')),
});
export type TokenInfo = Static<typeof tokenInfo>;
export const tokenList = Type.Object({tokens: Type.Array(tokenInfo)});

export const tokenRequest = Type.Object(
  {
    kind: Type.Enum(['enrol', 'api']),
    name: Type.String({minLength: 1, maxLength: 100, pattern: '^[^\\u0000-\\u001f\\u007f]*$'}),
    /** api only. */
    scope: Type.Optional(Type.Enum(['read', 'admin'])),
    /** Seconds; enrol at most 3600, api at most a year. */
    expiresIn: Type.Integer({minimum: 60, maximum: 366 * 24 * 3600}),
    /** enrol only: how many hosts may use it. */
    uses: Type.Optional(Type.Integer({minimum: 1, maximum: 10_000})),
  },
  {additionalProperties: false},
);
export type TokenRequest = Static<typeof tokenRequest>;
export const newToken = Type.Object({
  id: text('what it is revoked by'),
  token: text('the secret; it is shown this once'),
  /** For enrol: the line that `reeve enroll` takes. */
  ticket: nullable(text('the line that `reeve enroll` reads; it holds the secret')),
  expiresAt: time('until when it is good'),
});
export type NewTokenAnswer = Static<typeof newToken>;

/** Every answer that is no success. `code` is stable; docs/api.md has an entry for each. */
export const apiError = Type.Object({error: Type.Object({code: Type.String(), message: Type.String()})});
export type ApiError = Static<typeof apiError>;
