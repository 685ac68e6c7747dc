/** What the vendor has published that this machine has not installed, by the lists that the package manager fetched. */
export type UpdatesRequest = Record<never, never>;

/** One configured repository, as its Release file (apt) or repomd.xml (dnf) describes it. Times are ISO 8601, UTC. */
export type UpdateSource = {
  /** For people: `Debian-Security bookworm-security` or the dnf repository's id. */
  name: string;
  /** Where its metadata was read: the Release file's or repomd.xml's path. */
  where: string;
  /** The vendor's own security repository (apt), or one that publishes advisories (dnf). */
  security: boolean;
  /** The Date of the Release file, or the newest timestamp in repomd.xml; null when it has none. */
  releasedAt: string | null;
  /** After this the vendor himself calls the lists stale; null when he sets no end. */
  validUntil: string | null;
  /** When this machine last fetched the lists, as far as can be told; null when it cannot. */
  fetchedAt: string | null;
};

/**
 * One installed package for which a newer version is listed. Versions hold the epoch where there is one:
 * `1:9.2p1-2+deb12u9`, `1:3.0.7-18.el9`.
 */
export type PendingUpdate = {
  package: string;
  architecture: string;
  installed: string;
  /** What the manager would install; with `pinned` it may be what is installed, or an older version. */
  candidate: string;
  /** Where the candidate comes from: a source's `name`. */
  origin: string;
  /** A version v from a security source exists with installed < v ≤ candidate; with `pinned`, installed < v. */
  security: boolean;
  /** The highest such v; null without `security`. */
  securityVersion: string | null;
  /** Advisory ids, where the lists hold them (dnf). */
  advisories: string[];
  /** When the oldest pending security version was published, where the lists say so (dnf `issued`); null for apt. */
  publishedAt: string | null;
  /**
   * A version with the security fix was published at this time at the latest: the Date of the oldest Release file
   * that lists one. Null when not even that is known. Age is then at least now - publishedBy, and may be more.
   */
  publishedBy: string | null;
  /** Held by the administrator: dpkg hold, dnf versionlock or excludepkgs. */
  held: boolean;
  /** A pin (apt preferences) keeps the security version from being the candidate. */
  pinned: boolean;
  /** The vendor is still rolling the candidate out and this machine's turn has not come (Ubuntu). */
  phased: boolean;
  /** The candidate itself is not from a security source, though a pending security version stands behind it. */
  masked: boolean;
};

export type UpdatesFact = {
  manager: 'apt' | 'dnf';
  metadata: {
    sources: UpdateSource[];
    /** The oldest `fetchedAt` of the security sources, null when one of them is not known. */
    fetchedAt: string | null;
    /** The oldest `releasedAt` of the security sources, null when one of them is not known. */
    releasedAt: string | null;
    /** The earliest `validUntil` of the security sources. */
    validUntil: string | null;
  };
  /** Sorted by package, then architecture. */
  pending: PendingUpdate[];
  /**
   * Why the number of pending security updates is not known although lists were read: no security source configured,
   * a security source never fetched, no advisories published. Empty when it is known. Never 0 pending instead.
   */
  securityUnknown: string[];
  /** What a reader should know beside that: sources left out, advisories that do not fit, and the like. */
  notes: string[];
};

/** Whether the machine must be started anew. In containers the answer is `absent`: the kernel is the host's. */
export type RebootRequest = Record<never, never>;
export type RebootFact = {
  /** Null when it cannot be told; `notes` then says why. */
  required: boolean | null;
  /** Why, each a sentence part: `kernel 6.1.0-43-amd64 is installed, 6.1.0-42-amd64 runs`. Empty unless required. */
  reasons: string[];
  /** `uname -r` */
  runningKernel: string;
  /** The build text of /proc/version, where it was read. */
  runningBuild: string | null;
  newestInstalledKernel: string | null;
  /** The installed kernel of the running release was built anew since boot. Null when it cannot be told. */
  sameReleaseNewBuild: boolean | null;
  /** The release that the boot loader starts by default, where it could be read. */
  bootDefault: string | null;
  /** A loaded live patch's names; empty when there is none. */
  livePatches: string[];
  bootedAt: string | null;
  /** /run/reboot-required and its like. */
  marker: {path: string; packages: string[]} | null;
  notes: string[];
};

/** Processes that run on files that were deleted or replaced on disk since they started. */
export type StaleLibrariesRequest = Record<never, never>;
export type StaleProcess = {
  pid: number;
  name: string;
  uid: number;
  /** The systemd unit of its cgroup, or null. */
  unit: string | null;
  /** The executable itself is among the paths. */
  executable: boolean;
  /** Sorted, without ` (deleted)`. */
  paths: string[];
};
export type StaleLibrariesFact = {
  stale: StaleProcess[];
  /** Processes whose mappings were read. */
  scanned: number;
  /** Processes whose mappings could not be read, kernel threads and ended ones apart. */
  unreadable: Array<{pid: number; name: string; reason: string}>;
};

/** Until when the release gets updates. */
export type SupportRequest = Record<never, never>;
export type SupportKind = 'regular' | 'lts' | 'paid';
export type SupportFact = {
  /** `Debian GNU/Linux 12 (bookworm)` */
  release: string;
  /** `ends` is an ISO date, the last day of support. */
  phases: Array<{kind: SupportKind; ends: string}>;
  /** The file that says so, or `reeve's own table`. */
  source: string;
  /** The date of that table where it has one: after its newest entry it knows nothing. */
  asOf: string | null;
};

/** Whether security updates are installed without anyone's doing. */
export type AutoUpdatesRequest = Record<never, never>;
export type AutoUpdatesFact = {
  mechanism: 'unattended-upgrades' | 'dnf-automatic';
  /** Each thing that must hold; all of them ok means automatic. `ok` null: it could not be told. */
  steps: Array<{what: string; expected: string; actual: string; ok: boolean | null; where: string}>;
};

/** Whether every configured repository demands signatures. */
export type RepositoriesRequest = Record<never, never>;
export type RepositoriesFact = {
  manager: 'apt' | 'dnf';
  repositories: Array<{
    name: string;
    /** `path:line` */
    where: string;
    enabled: boolean;
    /** Why packages from it would be taken without a valid signature; empty when they would not. */
    unsigned: string[];
  }>;
  /** Settings that turn verification off for all: `APT::Get::AllowUnauthenticated`, dnf.conf `gpgcheck=0`. */
  settings: Array<{what: string; where: string}>;
};
