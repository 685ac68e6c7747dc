import type {Answer} from './answer.ts';

export type SelinuxRequest = Record<never, never>;

export type SelinuxMode = 'enforcing' | 'permissive' | 'disabled';

/** One SELinux boolean: what holds now, what a commit would make of it, and what the next policy load brings. */
export type SelinuxBoolean = {
  name: string;
  /** Null when it could not be read, or on an image. */
  current: boolean | null;
  pending: boolean | null;
  /** As the policy file on disk has it, `setsebool -P` included; null when that file knows no such boolean or was not seen. */
  persistent: boolean | null;
};

/** A type in which the kernel logs and does not refuse; `type 123` when the policy does not name it. */
export type PermissiveDomain = {name: string; from: 'running policy' | 'policy file' | 'module store'; where: string};

/** What one place says of permissive domains; the module store misses those that the base policy makes permissive. */
export type PermissiveDomains = Answer<PermissiveDomain[]>;

/**
 * SELinux as the kernel, the configuration and the next boot have it: four things that need not agree, so each is
 * looked for on its own.
 */
export type SelinuxFact = {
  /** `selinux` is in the kernel's list of active LSMs. */
  kernel: Answer<boolean>;
  /** Where selinuxfs is mounted. */
  mount: Answer<string>;
  /** `enforce` of selinuxfs. Without a loaded policy the kernel says permissive and refuses nothing. */
  mode: Answer<'enforcing' | 'permissive'>;
  /** PID 1 has a label of the policy's, not the kernel's own first one. */
  policyLoaded: Answer<boolean>;
  mls: Answer<boolean>;
  /** Classes and permissions that the policy does not know are refused. */
  denyUnknown: Answer<boolean>;
  /** mmap is checked against what the program asked for, not what the kernel gives: deprecated, should be false. */
  checkReqProt: Answer<boolean>;
  /** The newest binary policy format that this kernel reads. */
  policyVersion: Answer<number>;
  /** `SELINUX=` of /etc/selinux/config; seen with null when no line sets a valid mode, which means permissive. */
  configured: Answer<SelinuxMode | null>;
  /** `SELINUXTYPE=`, or `targeted` when the file does not say. */
  policyType: Answer<string>;
  /** What the default boot entry together with the configuration gives; `why` names what decided. */
  nextBoot: Answer<{mode: SelinuxMode; why: string}>;
  /** SHA-256 of the running policy: the kernel does not tell its name. */
  runningPolicy: Answer<{sha256: string; version: number}>;
  /** /etc/selinux/TYPE/policy/policy.NN, the newest format that the kernel reads. */
  policyFile: Answer<{path: string; sha256: string; version: number}>;
  booleans: Answer<SelinuxBoolean[]>;
  permissiveRunning: PermissiveDomains;
  permissiveInFile: PermissiveDomains;
  permissiveModules: PermissiveDomains;
};
