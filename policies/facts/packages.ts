export type PackagesRequest = Record<never, never>;

export type PackageFact = {
  name: string;
  version: string;
  architecture: string;
  /** dpkg's status words joined, e.g. `install ok installed`; rpm: `installed`. */
  status: string;
  /** True when the program files are there and configured. */
  installed: boolean;
  held: boolean;
  source: string;
  sourceVersion: string;
};
export type PackagesFact = {manager: 'dpkg' | 'rpm'; packages: PackageFact[]};

/** The files of one installed package against its package database (dpkg md5sums(5), rpm's file digests). */
export type PackageFilesRequest = {package: string};
export type PackageFilesFact = {
  package: string;
  version: string;
  checked: number;
  /** `unreadable` entries were not judged. Configuration files that differ are listed apart: they are meant to. */
  changed: Array<{path: string; what: 'content' | 'missing' | 'mode' | 'owner' | 'type'; expected: string; actual: string}>;
  configurationChanged: string[];
  unreadable: Array<{path: string; reason: string}>;
};
