/** The label of a process as an LSM writes it to /proc/PID/attr/current. */
export type MacLabel =
  | {
      lsm: 'selinux';
      user: string;
      role: string;
      type: string /** Null where the policy has no levels. */;
      level: string | null;
    }
  | {
      lsm: 'apparmor';
      /** The profile's whole name: `p`, `p//child`, `:ns://p`, or `a//&b` for a stack; `unconfined` for none. */
      profile: string;
      mode: AppArmorMode;
    };

/** `unconfined` also for profiles that are flagged so; `mixed` for a stack of profiles in different modes. */
const modes = ['enforce', 'complain', 'kill', 'unconfined', 'user', 'prompt', 'mixed'] as const;
export type AppArmorMode = (typeof modes)[number];

/**
 * Reads a label. SELinux: `user:role:type[:level]`, where the level has colons of its own. AppArmor: `name (mode)`,
 * split at the last ` (` since names hold spaces, or `unconfined`, in a namespace `:ns://unconfined`. Null for
 * anything else, such as `kernel`, which is what SELinux says before a policy is loaded.
 */
export function parseMacLabel(text: string): MacLabel | null {
  const open = text.lastIndexOf(' (');
  if (open > 0 && text.endsWith(')')) {
    const mode = modes.find(known => known === text.slice(open + 2, -1));
    return mode === undefined ? null : {lsm: 'apparmor', profile: text.slice(0, open), mode};
  }
  if (text === 'unconfined' || (text.startsWith(':') && text.endsWith('://unconfined'))) {
    return {lsm: 'apparmor', profile: text, mode: 'unconfined'};
  }
  const [user, role, type, ...level] = text.split(':');
  if (!user || !role || !type || /\s/.test(text)) return null;
  return {lsm: 'selinux', user, role, type, level: level.length === 0 ? null : level.join(':')};
}

/** Domains that the SELinux policies leave free although they have a name of their own. */
const freeDomains = new Set(['initrc_t', 'init_t', 'kernel_t', 'sysadm_t']);

/** Whether a domain is one that the policies let do anything. */
export const isUnconfinedDomain = (type: string): boolean => type.startsWith('unconfined_') || freeDomains.has(type);

/** `confined` null: the label alone cannot tell. `why` is fit for a finding. */
export type Confinement = {confined: boolean | null; why: string};

/**
 * Whether the label's LSM holds the process back: an AppArmor profile in enforce, kill or user (prompt) mode, or an
 * SELinux domain that is neither unconfined nor permissive while SELinux enforces. Profiles in complain mode and
 * permissive domains only record. A stack in mixed modes does not say which of its profiles enforce.
 */
export function isConfined(
  label: string,
  selinux: {enforcing: boolean; permissiveDomains: ReadonlySet<string>} = {
    enforcing: true,
    permissiveDomains: new Set(),
  },
): Confinement {
  const parsed = parseMacLabel(label);
  if (parsed === null) return {confined: null, why: `the label "${label}" is of no known form`};
  if (parsed.lsm === 'apparmor') return appArmorConfinement(parsed.profile, parsed.mode);
  const {type} = parsed;
  if (isUnconfinedDomain(type)) return {confined: false, why: `SELinux domain ${type} is not confined`};
  if (!selinux.enforcing) return {confined: false, why: `SELinux domain ${type}, but SELinux does not enforce`};
  if (selinux.permissiveDomains.has(type)) return {confined: false, why: `SELinux domain ${type} is permissive`};
  return {confined: true, why: `SELinux domain ${type}`};
}

function appArmorConfinement(profile: string, mode: AppArmorMode): Confinement {
  switch (mode) {
    case 'enforce':
    case 'kill':
    case 'user':
    case 'prompt':
      return {confined: true, why: `AppArmor profile ${profile} (${mode})`};
    case 'mixed':
      return {confined: null, why: `AppArmor profiles ${profile} are in mixed modes`};
    case 'complain':
      return {confined: false, why: `AppArmor profile ${profile} only complains`};
    case 'unconfined': {
      const none = profile === 'unconfined' || profile.endsWith('://unconfined');
      return {confined: false, why: none ? 'no AppArmor profile' : `AppArmor profile ${profile} is flagged unconfined`};
    }
  }
}
