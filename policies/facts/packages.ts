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
export type PackagesFact = {
  manager: 'dpkg' | 'rpm';
  /** The architecture that packages have by default, in the manager's words (amd64, x86_64). */
  nativeArchitecture: string | null;
  packages: PackageFact[];
};

/**
 * The files of one installed package against its package database (dpkg's md5sums files, rpm's file digests). dpkg
 * knows no modes and owners, so there only type, presence and content are compared.
 */
export type PackageFilesRequest = {package: string};
export type PackageFilesFact = {
  package: string;
  version: string;
  /** What was compared: files, links and directories. */
  checked: number;
  /** What this database cannot tell, for the reader: `dpkg records no modes and owners`. */
  notes: string[];
  /** `unreadable` entries were not judged. Configuration files that differ are listed apart: they are meant to. */
  changed: Array<{
    path: string;
    what: 'content' | 'missing' | 'mode' | 'owner' | 'type';
    expected: string;
    actual: string;
  }>;
  configurationChanged: string[];
  unreadable: Array<{path: string; reason: string}>;
};
