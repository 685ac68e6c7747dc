import Type, {type Static} from 'typebox';

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
  },
  {additionalProperties: false},
);

export type Config = Required<Static<typeof configSchema>>;

/** `packs: []` stands for every pack that is there. */
export const defaultConfig: Config = {packs: [], params: {}, policies_dir: '/etc/reeve/policies.d'};
