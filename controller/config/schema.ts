import type {Static} from 'typebox';
import * as Type from 'typebox';

const placePattern = '^(\\[[0-9a-fA-F:.]+\\]|[A-Za-z0-9.-]{1,253}):\\d{1,5}$';
const place = Type.String({
  pattern: placePattern,
  wanted: 'an address and a port, as "127.0.0.1:7443"',
});
const path = Type.String({pattern: '^/', maxLength: 4096, wanted: 'an absolute path'});
const whole = (minimum: number, maximum: number) =>
  Type.Integer({minimum, maximum, wanted: `a whole number from ${minimum} to ${maximum}`});

/** controller.yaml. Every key is optional; docs/controller.md describes each. */
export const configSchema = Type.Object(
  {
    agents: Type.Optional(
      Type.Object(
        {
          listen: Type.Optional(place),
          url: Type.Optional(
            Type.String({pattern: '^wss://[^\\s/@]{1,300}/agent$', wanted: 'wss://<name>:<port>/agent'}),
          ),
          names: Type.Optional(
            Type.Array(Type.String({pattern: '^[A-Za-z0-9.:-]{1,253}$'}), {
              maxItems: 50,
              wanted: 'a list of host names and addresses',
            }),
          ),
          allow_tls_at_proxy: Type.Optional(Type.Boolean({wanted: 'true or false'})),
        },
        {additionalProperties: false, wanted: 'a mapping'},
      ),
    ),
    api: Type.Optional(
      Type.Object(
        {
          listen: Type.Optional(place),
          url: Type.Optional(
            Type.String({pattern: '^https?://[^\\s/@]{1,300}/?$', wanted: 'https://<name> or http://<name>:<port>'}),
          ),
          tls: Type.Optional(
            Type.Union(
              [Type.Literal('generated'), Type.Object({certificate: path, key: path}, {additionalProperties: false})],
              {wanted: '"generated", or a mapping with the paths "certificate" and "key"'},
            ),
          ),
        },
        {additionalProperties: false, wanted: 'a mapping'},
      ),
    ),
    retention_days: Type.Optional(whole(1, 3650)),
    limits: Type.Optional(
      Type.Object(
        {
          admission_per_second: Type.Optional(whole(1, 100_000)),
          enrols_per_second: Type.Optional(whole(1, 100_000)),
          max_connections: Type.Optional(whole(1, 1_000_000)),
          max_strangers: Type.Optional(whole(1, 1_000_000)),
          max_strangers_per_address: Type.Optional(whole(1, 1_000_000)),
        },
        {additionalProperties: false, wanted: 'a mapping'},
      ),
    ),
  },
  {additionalProperties: false, wanted: 'a mapping'},
);
export type Written = Static<typeof configSchema>;

export type Listen = {host: string; port: number};

export type Config = {
  agents: {listen: Listen; url: string | null; names: string[]; allowTlsAtProxy: boolean};
  api: {listen: Listen; url: string | null; tls: 'generated' | {certificate: string; key: string} | null};
  retentionDays: number;
  limits: {
    admissionPerSecond: number;
    enrolsPerSecond: number;
    maxConnections: number;
    maxStrangers: number;
    maxStrangersPerAddress: number;
  };
};

/** What a file says, over the defaults. */
export function withDefaults({agents, api, retention_days, limits}: Written): Config {
  return {
    agents: {
      listen: readListen(agents?.listen ?? '127.0.0.1:7443'),
      url: agents?.url ?? null,
      names: agents?.names ?? [],
      allowTlsAtProxy: agents?.allow_tls_at_proxy ?? false,
    },
    api: {listen: readListen(api?.listen ?? '127.0.0.1:7444'), url: api?.url ?? null, tls: api?.tls ?? null},
    retentionDays: retention_days ?? 90,
    limits: {
      admissionPerSecond: limits?.admission_per_second ?? 300,
      enrolsPerSecond: limits?.enrols_per_second ?? 50,
      maxConnections: limits?.max_connections ?? 20_000,
      maxStrangers: limits?.max_strangers ?? 2_048,
      maxStrangersPerAddress: limits?.max_strangers_per_address ?? 512,
    },
  };
}

/** `address:port`, as the schema lets it through; port 0 lets the system choose one. */
export function readListen(text: string): Listen {
  const colon = text.lastIndexOf(':');
  return {host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1))};
}
export const isListen = (text: string): boolean =>
  new RegExp(placePattern).test(text) && readListen(text).port < 65_536;

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.[0-9.]+$/.test(host);
