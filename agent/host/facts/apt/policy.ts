import {compareVersions} from '../../../../policies/version.ts';
import {never, type Pin, type ReleaseField} from './preferences.ts';
import type {Release} from './release.ts';

/** A Packages index, or the status file (`status`), in what pins look at. */
export type IndexFile = {
  status: boolean;
  release: Pick<
    Release,
    'suite' | 'codename' | 'origin' | 'label' | 'version' | 'notAutomatic' | 'butAutomaticUpgrades'
  > | null;
  /** The host of its URI; empty for files of this machine. */
  site: string;
  component: string;
  architecture: string;
};

/** One version of an installed package, and every index that lists it. */
export type Version<F extends IndexFile> = {version: string; source: string; files: F[]};

export type PolicyPackage<F extends IndexFile> = {
  name: string;
  architecture: string;
  installed: string;
  versions: Array<Version<F>>;
};

/**
 * What apt would install, as apt_preferences(5) and apt's own policy have it. Packages pins come before the general
 * ones; of each kind the first that matches wins. `nativeArchitecture` is what pins without one speak of.
 */
export class Policy<F extends IndexFile> {
  readonly #pins: Pin[];
  readonly #nativeArchitecture: string;
  readonly #priorities = new Map<F, number>();

  constructor(pins: Pin[], nativeArchitecture: string) {
    this.#pins = pins;
    this.#nativeArchitecture = nativeArchitecture;
  }

  /** The candidate; null when apt has none. A version below the installed one needs a priority of 1000. */
  candidate(pkg: PolicyPackage<F>): Version<F> | null {
    let best: Version<F> | null = null;
    let bestPriority = -1;
    for (const version of pkg.versions.toSorted((a, b) => compareVersions(b.version, a.version))) {
      const priority = this.priority(pkg, version);
      if (priority === 0 || priority <= bestPriority) continue;
      if (priority < 1000 && compareVersions(version.version, pkg.installed) < 0) continue;
      best = version;
      bestPriority = priority;
    }
    return best;
  }

  priority(pkg: PolicyPackage<F>, version: Version<F>): number {
    const pin = this.#pins.find(candidate => this.#speaksOf(candidate, pkg, version));
    if (pin !== undefined && version.files.some(file => this.filePriority(file) !== never)) return pin.priority;
    const priorities = version.files.map(file =>
      file.status && version.version !== pkg.installed ? -1 : this.filePriority(file),
    );
    return priorities.length === 0 ? 0 : Math.max(...priorities);
  }

  filePriority(file: F): number {
    const known = this.#priorities.get(file);
    if (known !== undefined) return known;
    const matching = this.#pins.filter(pin => pin.packages === null && fileMatches(pin.match, file));
    const pin = matching.find(({priority}) => priority === never) ?? matching[0];
    const priority = pin?.priority ?? defaultPriority(file);
    this.#priorities.set(file, priority);
    return priority;
  }

  #speaksOf(pin: Pin, pkg: PolicyPackage<F>, version: Version<F>): boolean {
    if (pin.packages === null) return false;
    const named = pin.packages.some(({source, test, architecture}) => {
      if (!test(source ? version.source : pkg.name)) return false;
      const wanted = architecture ?? this.#nativeArchitecture;
      return (
        wanted === 'any' ||
        pkg.architecture === (wanted === 'native' || wanted === 'all' ? this.#nativeArchitecture : wanted)
      );
    });
    if (!named) return false;
    const {match} = pin;
    return match.type === 'version'
      ? match.test(version.version)
      : version.files.some(file => fileMatches(match, file));
  }
}

function defaultPriority({status, release}: IndexFile): number {
  if (status) return 100;
  if (release?.notAutomatic !== true) return 500;
  return release.butAutomaticUpgrades ? 100 : 1;
}

function fileMatches(match: Pin['match'], file: IndexFile): boolean {
  if (match.type === 'version') return false;
  if (match.type === 'origin') return !file.status && match.test(file.site);
  if (match.all) return true;
  if (match.fields.size === 0) return false;
  return [...match.fields].every(([field, test]) => valuesOf(field, file).some(test));
}

/** The status file's archive is `now`; it has no other fields. */
function valuesOf(field: ReleaseField, {status, release, component, architecture}: IndexFile): string[] {
  const values: {[field in ReleaseField]: string[]} = {
    archive: [status ? 'now' : (release?.suite ?? '')],
    codename: [release?.codename ?? ''],
    release: [status ? 'now' : (release?.suite ?? ''), release?.codename ?? ''],
    origin: [release?.origin ?? ''],
    label: [release?.label ?? ''],
    version: [release?.version ?? ''],
    component: [status ? 'now' : component],
    architecture: [architecture],
  };
  return values[field].filter(value => value !== '');
}
