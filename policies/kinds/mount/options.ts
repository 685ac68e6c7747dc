import type {MountFact} from '../../facts/mounts.ts';

/** Options of which one always holds, mount(8): the opposite, and what holds when neither is named. */
const pairs = [
  ['rw', 'ro'],
  ['suid', 'nosuid'],
  ['dev', 'nodev'],
  ['exec', 'noexec'],
] as const;
const opposites = new Map<string, string>(
  pairs.flatMap(([usual, strict]) => [[usual, strict] as const, [strict, usual] as const]),
);

/** What else an option means, unless a later one says otherwise, mount(8). */
const implied = new Map<string, string[]>([
  ['user', ['nosuid', 'nodev', 'noexec']],
  ['users', ['nosuid', 'nodev', 'noexec']],
  ['owner', ['nosuid', 'nodev']],
  ['group', ['nosuid', 'nodev']],
]);

/** proc(5): newer kernels show hidepid as a word. */
const hidepid = new Map([
  ['hidepid=off', 'hidepid=0'],
  ['hidepid=noaccess', 'hidepid=1'],
  ['hidepid=invisible', 'hidepid=2'],
  ['hidepid=ptraceable', 'hidepid=4'],
]);

const plain = (option: string) => hidepid.get(option) ?? option;

/** The options that hold when these are given in this order. */
export function effectiveOptions(given: readonly string[]): Set<string> {
  const options = new Set<string>(pairs.map(([usual]) => usual));
  const put = (option: string) => {
    options.delete(opposites.get(option) ?? '');
    options.add(option);
  };
  for (const option of given) {
    for (const other of implied.get(option.split('=', 1)[0] as string) ?? []) put(other);
    put(plain(option));
  }
  return options;
}

/** Of a mount and of its file system: it can be written to only when both say so. */
export function runningOptions({options, superOptions}: MountFact): Set<string> {
  const readOnly = options.includes('ro') || superOptions.includes('ro');
  return effectiveOptions([...superOptions, ...options, readOnly ? 'ro' : 'rw']);
}

/** `size` stands for `size=…` too. */
export function hasOption(options: ReadonlySet<string>, wanted: string): boolean {
  if (options.has(plain(wanted))) return true;
  return !wanted.includes('=') && [...options].some(option => option.startsWith(`${wanted}=`));
}

/** The option that keeps another one away, or null when it can only be left out. */
export const oppositeOf = (option: string): string | null => opposites.get(option) ?? null;
