import type {Answer} from './answer.ts';

export type ApparmorRequest = Record<never, never>;

/** `user` asks a program of the user's for each access that the profile does not decide (aa-status: prompt). */
export const apparmorModes = ['enforce', 'complain', 'kill', 'unconfined', 'user', 'mixed'] as const;
/** What the kernel writes; a mode that is not known here keeps its word. */
export type ApparmorMode = (typeof apparmorModes)[number] | (string & {});

export type LoadedProfile = {
  /** As the kernel lists it: `parent//child`, `:namespace://name`. */
  name: string;
  mode: ApparmorMode;
  /** The pattern of executables that the kernel attaches it to; null when it has none or it could not be read. */
  attach: string | null;
  /** The kernel has a pattern, but compiled only, and no file in /etc/apparmor.d tells it. */
  attachHidden: boolean;
  digest: {algorithm: 'sha1' | 'sha256'; value: string} | null;
};

/** One profile of the files below /etc/apparmor.d, variables not filled in. */
export type ProfileOnDisk = {
  name: string;
  attach: string | null;
  /** What loading it gives: flags, with `force-complain/` and `disable/` laid over them. */
  mode: 'enforce' | 'complain' | 'kill' | 'unconfined' | 'prompt' | 'disabled';
  /** `path:line` */
  where: string;
};

/** AppArmor as the kernel, the files and the next boot have it. */
export type ApparmorFact = {
  /** `apparmor` is in the kernel's list of active LSMs. */
  kernel: Answer<boolean>;
  /** /sys/module/apparmor/parameters/enabled; absent when the kernel was built without AppArmor. */
  enabled: Answer<boolean>;
  loaded: Answer<LoadedProfile[]>;
  /** Why attachments or digests of some loaded profiles were not read; empty when all were. */
  detailsUnseen: string[];
  onDisk: Answer<ProfileOnDisk[]>;
  /** Files below /etc/apparmor.d that could not be read. */
  unreadable: string[];
  /** Something loads the profiles at boot: apparmor.service, or the init script. */
  loadedAtBoot: Answer<boolean>;
  /** What the default boot entry gives; `why` names what decided. */
  nextBoot: Answer<{on: boolean; why: string}>;
  /** kernel.apparmor_restrict_unprivileged_* and their values. */
  restrictions: Answer<Array<{key: string; value: string}>>;
};
