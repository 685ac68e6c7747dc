import * as Type from 'typebox';

/** Names of users and groups as rules write them, or numbers as text. */
export const nameOrNames = Type.Union(
  [
    Type.String({minLength: 1, maxLength: 64}),
    Type.Array(Type.String({minLength: 1, maxLength: 64}), {minItems: 1, maxItems: 64}),
  ],
  {wanted: 'a name or a list of names'},
);

/** Permission bits as quoted octal, so that YAML cannot read them as a decimal number. */
export const modeText = Type.String({pattern: '^[0-7]{4}$', wanted: 'four octal digits in quotes, such as "0640"'});

export const absolutePath = Type.String({pattern: '^/[^\\u0000]*$', maxLength: 4096, wanted: 'an absolute path'});

export const pathOrPaths = Type.Union([absolutePath, Type.Array(absolutePath, {minItems: 1, maxItems: 64})], {
  wanted: 'an absolute path or a list of them',
});

export const listOf = (value: string | readonly string[] | undefined): string[] =>
  value === undefined ? [] : ([value].flat() as string[]);

export const parseMode = (text: string): number => Number.parseInt(text, 8);

export const formatMode = (mode: number): string => mode.toString(8).padStart(4, '0');

/** Whether an owner or group is one of those wanted; a numeric text matches the id. */
export function nameMatches(name: string | null, id: number, wanted: readonly string[]): boolean {
  return wanted.some(text => text === name || (/^\d+$/.test(text) && Number(text) === id));
}

/** `root`, or `1234 (no such user)` when the id has no name here. */
export const showName = (name: string | null, id: number): string => name ?? `${id} (no name here)`;

/** A path as one word of a shell command, for cures that are pasted. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** `a`, `a or b`, `a, b or c` */
export function orList(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} or ${items.at(-1)}`;
}

/** The symbolic chmod(1) change that clears `clear` and sets `set`, e.g. `g-w,o-rwx`, or `a-x` where all three agree. */
export function symbolicMode(clear: number, set: number): string {
  return [...changes('-', clear), ...changes('+', set)].join(',');
}

function changes(sign: '-' | '+', bits: number): string[] {
  const letters = [6, 3, 0].map(shift => ['r', 'w', 'x'].filter((_, index) => (bits >> shift) & (4 >> index)).join(''));
  const [user, group, others] = letters as [string, string, string];
  const parts =
    user !== '' && user === group && group === others
      ? [['a', user]]
      : [
          ['u', user],
          ['g', group],
          ['o', others],
        ];
  const special = [
    ['u', bits & 0o4000 ? 's' : ''],
    ['g', bits & 0o2000 ? 's' : ''],
    ['', bits & 0o1000 ? 't' : ''],
  ];
  return [...parts, ...special].filter(([, what]) => what !== '').map(([who, what]) => `${who}${sign}${what}`);
}
