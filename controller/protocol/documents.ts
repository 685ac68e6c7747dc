import type {Static} from 'typebox';
import * as Type from 'typebox';

const text = (maxLength: number) => Type.String({maxLength});

/**
 * What a host's rules are called, once for all hosts that have the same: findings carry ids alone. Kept by the digest of
 * its bytes, so that no host can change what another host's rules are called.
 */
export const rulesDocument = Type.Object(
  {
    v: Type.Literal(1),
    packs: Type.Array(Type.Object({name: text(60), version: text(40), title: text(200), digest: text(64)}), {
      maxItems: 64,
    }),
    rules: Type.Array(
      Type.Object({id: text(200), pack: text(60), severity: text(10), title: text(300), why: text(4096)}),
      {maxItems: 10_000},
    ),
  },
  {additionalProperties: false},
);
export type RulesDocument = Static<typeof rulesDocument>;

/** What kind of machine a host is. Collected by the link, so it is as trustworthy as an account without privilege. */
export const inventoryDocument = Type.Object(
  {
    v: Type.Literal(1),
    reeve: text(40),
    hostname: text(253),
    os: Type.Object({id: text(100), name: text(200), version: text(100), kernel: text(200), arch: text(40)}),
    machine: Type.Object({maker: text(200), model: text(200), virtual: text(100)}),
    cpu: Type.Object({model: text(200), cores: Type.Integer({minimum: 0, maximum: 65_536})}),
    memoryBytes: Type.Integer({minimum: 0, maximum: Number.MAX_SAFE_INTEGER}),
    disks: Type.Array(
      Type.Object({
        mount: text(4096),
        type: text(60),
        bytes: Type.Integer({minimum: 0, maximum: Number.MAX_SAFE_INTEGER}),
      }),
      {maxItems: 256},
    ),
    networks: Type.Array(
      Type.Object({name: text(60), addresses: Type.Array(text(60), {maxItems: 64}), mac: text(40)}),
      {maxItems: 256},
    ),
  },
  {additionalProperties: false},
);
export type InventoryDocument = Static<typeof inventoryDocument>;
