import type {Static} from 'typebox';
import * as Type from 'typebox';

const value = Type.Union(
  [
    Type.Number(),
    Type.String(),
    Type.Boolean(),
    Type.Array(Type.Union([Type.Number(), Type.String(), Type.Boolean()])),
  ],
  {
    wanted: 'a number, text, true/false or a list',
  },
);

const cron = Type.String({minLength: 9, maxLength: 100, wanted: 'a cron expression of five fields'});

/** When to judge, and how long that may take. */
const checksSchema = Type.Object(
  {
    schedule: Type.Optional(cron),
    packs: Type.Optional(Type.Record(Type.String(), cron, {wanted: 'a mapping from pack to cron expression'})),
    splay_minutes: Type.Optional(Type.Integer({minimum: 0, maximum: 1440, wanted: 'minutes, 0 to 1440'})),
    rule_budget_seconds: Type.Optional(Type.Integer({minimum: 1, maximum: 3600, wanted: 'seconds, 1 to 3600'})),
    watch: Type.Optional(Type.Boolean()),
  },
  {additionalProperties: false},
);

/** How the link reaches the controller. */
const linkSchema = Type.Object(
  {
    proxy: Type.Optional(
      Type.String({
        pattern: '^http://[A-Za-z0-9.\\[\\]:-]{1,300}$',
        wanted: 'http://host:port of a proxy that knows CONNECT',
      }),
    ),
    tls_ends_at_proxy: Type.Optional(Type.Boolean()),
  },
  {additionalProperties: false},
);

/** /etc/reeve/agent.yaml. Every key is optional; docs/config.md describes each. */
export const configSchema = Type.Object(
  {
    packs: Type.Optional(
      Type.Array(Type.String({minLength: 1, maxLength: 60}), {minItems: 1, wanted: 'a list of pack names'}),
    ),
    params: Type.Optional(
      Type.Record(Type.String(), Type.Record(Type.String(), value), {
        wanted: 'a mapping from pack to parameter to value',
      }),
    ),
    policies_dir: Type.Optional(Type.String({pattern: '^/', maxLength: 4096, wanted: 'an absolute path'})),
    checks: Type.Optional(checksSchema),
    link: Type.Optional(linkSchema),
  },
  {additionalProperties: false},
);

type Written = Static<typeof configSchema>;
export type Config = Required<Omit<Written, 'checks' | 'link'>> & {
  checks: Required<NonNullable<Written['checks']>>;
  link: NonNullable<Written['link']>;
};

/** `packs: []` stands for every pack that is there; `checks.packs` overrides `checks.schedule`. */
export const defaultConfig: Config = {
  packs: [],
  params: {},
  policies_dir: '/etc/reeve/policies.d',
  checks: {schedule: '0 * * * *', packs: {}, splay_minutes: 10, rule_budget_seconds: 60, watch: true},
  link: {},
};

/** What a file says, over the defaults. */
export const withDefaults = (written: Written): Config => ({
  ...defaultConfig,
  ...written,
  checks: {...defaultConfig.checks, ...written.checks},
  link: {...written.link},
});
