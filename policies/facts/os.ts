/** os-release(5), and what the machine runs in. */
export type OsRequest = Record<never, never>;
export type OsFact = {
  /** `ID`, lower case: debian, ubuntu, rhel, rocky, … */
  id: string;
  /** `ID_LIKE`, split. */
  like: string[];
  /** `VERSION_ID`; empty on rolling releases such as Debian sid. */
  version: string;
  codename: string;
  prettyName: string;
  /** `SUPPORT_END` as an ISO date, where the vendor writes one. */
  supportEnd: string | null;
};

export type EnvironmentRequest = Record<never, never>;
export type EnvironmentFact = {
  /** The container manager's name (docker, podman, lxc, systemd-nspawn, other), or null outside containers. */
  container: string | null;
  /** What PID 1 is; null for an image. */
  init: 'systemd' | 'other' | null;
  /** `uname -r`; null for an image. */
  kernelRelease: string | null;
  /** `uname -m` in Node's words (x64, arm64); null for an image. */
  architecture: string | null;
  bootedAt: string | null;
};
