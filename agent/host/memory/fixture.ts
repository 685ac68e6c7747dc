import type {Static} from 'typebox';
import * as Type from 'typebox';

const octal = Type.String({pattern: '^[0-7]{4}$', wanted: 'four octal digits in quotes, such as "0644"'});

const entry = Type.Object(
  {
    mode: Type.Optional(octal),
    uid: Type.Optional(Type.Integer({minimum: 0})),
    gid: Type.Optional(Type.Integer({minimum: 0})),
    content: Type.Optional(Type.String()),
    base64: Type.Optional(Type.String()),
    link: Type.Optional(Type.String()),
    type: Type.Optional(Type.Enum(['fifo', 'socket', 'character-device', 'block-device', 'directory'])),
    links: Type.Optional(Type.Integer({minimum: 1})),
    size: Type.Optional(Type.Integer({minimum: 0})),
    modified: Type.Optional(Type.String()),
    device: Type.Optional(Type.Integer()),
    xattrs: Type.Optional(Type.Record(Type.String(), Type.String())),
    /** Every look at the entry fails so: an errno name such as EACCES or EIO. */
    error: Type.Optional(Type.String({pattern: '^E[A-Z0-9]+$'})),
    /** Looking at the entry works, reading its content fails so. */
    read_error: Type.Optional(Type.String({pattern: '^E[A-Z0-9]+$'})),
  },
  {additionalProperties: false},
);

const command = Type.Object(
  {
    argv: Type.Array(Type.String(), {minItems: 1}),
    exit: Type.Optional(Type.Integer()),
    stdout: Type.Optional(Type.String()),
    stderr: Type.Optional(Type.String()),
    timed_out: Type.Optional(Type.Boolean()),
  },
  {additionalProperties: false},
);

/**
 * A machine written down: what docs/cases.md describes. A file is its content, or a mapping; a path that ends in `/`
 * is a directory; null takes a base's entry away.
 */
export const fixtureSchema = Type.Object(
  {
    /** Names another fixture of the same folder's `bases/`, whose entries come first. */
    from: Type.Optional(Type.String({pattern: '^[a-z0-9-]+$'})),
    /** `image`: judged as a mounted image is, without a running kernel. Default `machine`. */
    as: Type.Optional(Type.Enum(['machine', 'image'])),
    /** The effective uid of whoever looks: what only root may read is refused to others. Default 0. */
    looker: Type.Optional(Type.Integer({minimum: 0})),
    now: Type.Optional(
      Type.String({
        pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$',
        wanted: 'a time such as "2026-11-21T12:00:00Z"',
      }),
    ),
    kernel: Type.Optional(Type.String()),
    booted: Type.Optional(Type.String()),
    files: Type.Optional(
      Type.Record(
        Type.String({pattern: '^/'}),
        Type.Union([Type.String(), Type.Null(), entry], {wanted: 'the content as text, a mapping, or null'}),
      ),
    ),
    commands: Type.Optional(Type.Array(command)),
    params: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    attestations: Type.Optional(Type.Array(Type.Unknown())),
    /** For a failing case: the subjects that must be reported, exactly. */
    finds: Type.Optional(Type.Array(Type.String(), {minItems: 1})),
  },
  {additionalProperties: false},
);
export type Fixture = Static<typeof fixtureSchema>;
export type FixtureEntry = Static<typeof entry>;

/** A fixture laid over its base: entries and commands of `over` win, null removes a path and all below it. */
export function mergeFixtures(base: Fixture, over: Fixture): Fixture {
  const files = {...base.files};
  for (const [path, value] of Object.entries(over.files ?? {})) {
    const plain = path.replace(/\/$/, '');
    for (const key of Object.keys(files)) {
      if (key === plain || key === `${plain}/` || (value === null && key.startsWith(`${plain}/`))) delete files[key];
    }
    if (value !== null) files[path] = value;
  }
  const {from: _, ...rest} = {...base, ...over};
  return {...rest, files, commands: [...(over.commands ?? []), ...(base.commands ?? [])]};
}
