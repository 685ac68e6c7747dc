/** How the kernel of a boot entry was built: the `CONFIG_LSM` order, and which LSMs it has at all; null when not seen. */
export type BuiltLsms = {order: string[]; built: Set<string>; where: string};

/** The running machine, as evidence for an entry whose kernel configuration cannot be read. */
export type RunningLsms = {lsms: string[]; arguments: string[]; where: string};

/** `on` null: the command line alone does not tell. `why` names the word or file that decided. */
export type LsmOutcome = {on: boolean | null; why: string};

/** Only one of these can be active: security/security.c, LSM_FLAG_EXCLUSIVE. All are "legacy major" LSMs. */
const exclusive = ['selinux', 'apparmor', 'smack'];
const legacyMajor = [...exclusive, 'tomoyo'];

/**
 * Whether a boot with these kernel arguments makes `name` (selinux, apparmor) active. Follows ordered_lsm_init() of
 * security/security.c: `lsm=` beats `security=`, `security=` switches off every other legacy major LSM, the first
 * exclusive one in the order wins, `NAME=0` switches one off.
 */
export function lsmAtBoot(
  name: 'selinux' | 'apparmor',
  words: string[],
  built: BuiltLsms | null,
  running: RunningLsms | null,
): LsmOutcome {
  const off = switchedOff(name, words);
  if (off !== null) return {on: false, why: off};
  if (built !== null && !built.built.has(name))
    return {on: false, why: `${built.where}: the kernel was built without it`};
  const order = lastValue('lsm', words);
  const major = order === null ? lastValue('security', words) : null;
  if (major !== null && legacyMajor.includes(major) && major !== name) return {on: false, why: `security=${major}`};
  if (order === null && major !== name && built === null) return asRunning(name, words, running);
  const listed = order?.split(',') ?? built?.order ?? [];
  const full = major === null || listed.includes(major) ? listed : [...listed, major];
  const candidates = full.filter(
    lsm => exclusive.includes(lsm) && (built === null || built.built.has(lsm)) && switchedOff(lsm, words) === null,
  );
  const active = candidates.find(lsm => major === null || lsm === major);
  const decided =
    order === null ? (major === null ? `CONFIG_LSM in ${built?.where}` : `security=${major}`) : `lsm=${order}`;
  return {
    on: active === name,
    why: active === undefined || active === name ? decided : `${decided}: ${active} comes first`,
  };
}

/** The words that say something of LSMs: when they are the same, so is the outcome for the same kernel. */
const lsmWords = (words: string[]): string =>
  words.filter(word => /^(?:lsm|security|selinux|apparmor|smack)(?:\.enabled)?=/.test(word)).join(' ');

function asRunning(name: string, words: string[], running: RunningLsms | null): LsmOutcome {
  if (running === null)
    return {
      on: null,
      why: 'the kernel configuration of the entry cannot be read, and its arguments do not name an LSM',
    };
  if (lsmWords(words) !== lsmWords(running.arguments)) {
    return {
      on: null,
      why: 'the kernel configuration of the entry cannot be read, and its arguments differ from those of the running kernel',
    };
  }
  return {on: running.lsms.includes(name), why: `as in the running kernel: ${running.where}`};
}

/** `NAME=0`; the kernel reads these with kstrtoul(), and the last one wins. */
function switchedOff(name: string, words: string[]): string | null {
  let off: string | null = null;
  for (const word of words) {
    if (!word.startsWith(`${name}=`)) continue;
    const value = word.slice(name.length + 1);
    if (/^(?:0x)?0+$/i.test(value)) off = word;
    else if (/^(?:0x[0-9a-f]+|\d+)$/i.test(value)) off = null;
  }
  return off;
}

function lastValue(name: string, words: string[]): string | null {
  const word = words.findLast(candidate => candidate.startsWith(`${name}=`));
  return word === undefined ? null : word.slice(name.length + 1);
}

/** `enforcing=` as libselinux's selinux_init_load_policy() reads it; older versions take the first, newer the last one, so a 0 among several counts. */
export function enforcingWord(words: string[]): {enforcing: boolean; word: string} | null {
  const found = words
    .filter(word => word.startsWith('enforcing='))
    .map(word => ({enforcing: (Number.parseInt(word.slice('enforcing='.length), 10) || 0) !== 0, word}));
  return found.find(({enforcing}) => !enforcing) ?? found.at(-1) ?? null;
}

/** From the text of a kernel's configuration file: CONFIG_LSM, or CONFIG_DEFAULT_SECURITY of kernels before 5.1. */
export function parseKernelConfig(text: string, where: string): BuiltLsms | null {
  const value = (key: string) => new RegExp(`^${key}="([^"\\n]*)"`, 'm').exec(text)?.[1];
  const order = value('CONFIG_LSM') ?? value('CONFIG_DEFAULT_SECURITY');
  if (order === undefined) return null;
  const built = new Set(
    exclusive.filter(name => new RegExp(`^CONFIG_SECURITY_${name.toUpperCase()}=y$`, 'm').test(text)),
  );
  return {order: order.split(',').map(name => name.trim()), built, where};
}
