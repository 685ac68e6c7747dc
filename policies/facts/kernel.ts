import type {Answer} from './answer.ts';

/** The running kernel, each part looked for on its own. */
export type KernelRequest = Record<never, never>;
export type KernelFact = {
  /** /proc/cmdline as words, without what follows `--`. */
  cmdline: Answer<string[]>;
  /** Names in their order. */
  lsm: Answer<string[]>;
  /** `none`, `integrity` or `confidentiality`; absent when the kernel has no lockdown. */
  lockdown: Answer<string>;
  /** /sys/devices/system/cpu/vulnerabilities; absent on kernels and machines without it. */
  vulnerabilities: Answer<Array<{name: string; state: string}>>;
  /** The bits of /proc/sys/kernel/tainted. */
  tainted: Answer<number>;
};

/** One module, `-` and `_` being the same. */
export type KernelModuleRequest = {module: string};
export type KernelModuleFact = {
  /** In /proc/modules; null on an image. */
  loaded: boolean | null;
  /** Of the running kernel's, or on an image any kernel's modules.builtin. */
  builtin: boolean;
  /** Its files in /lib/modules, of every installed kernel. */
  files: string[];
  /** The first `install` line of modprobe.d(5) that covers it. */
  install: {command: string; where: string} | null;
  blacklist: {where: string} | null;
};
