import type {TreeEntry, TreeFact, TreeRequest} from '../../../../policies/facts/tree.ts';
import type {WalkEntry} from '../../walk.ts';
import {fileStat} from '../file.ts';
import type {NameTables} from '../tables.ts';
import {capabilityText} from './capability.ts';
import {compileFind} from './match.ts';
import {isBelow, isUnder, type PathTest, pathTest} from './paths.ts';
import {findSecrets} from './secrets.ts';

/** Entries kept; the rest is counted. */
export const maxFound = 1000;
/** Entries kept while packages or the system's accounts may still explain some of them. */
const maxCandidates = 10_000;
const maxNotSeen = 20;
const maxOwners = 10_000;
const secretBytes = 64 * 1024;

/** One request on the shared walk: where it applies, what it has found, and what it could not see. */
export class Region {
  readonly request: TreeRequest;
  /** The directories of `under`, without links. */
  readonly under: string[];
  readonly found: TreeEntry[] = [];
  /** Counted, not kept. By uid and gid, as a request for unknown owners wants to know them. */
  readonly uncounted = new Map<string, number>();
  readonly notSeen: TreeFact['notSeen'] = [];
  readonly leftOut: string[] = [];
  seen = 0;
  allowed = 0;
  notSeenMore = 0;
  readonly #tables: NameTables;
  readonly #matches: (entry: WalkEntry) => boolean;
  readonly #excepts: PathTest;
  readonly #allows: PathTest;
  readonly #keep: number;

  constructor(request: TreeRequest, under: string[], tables: NameTables) {
    this.request = request;
    this.under = under;
    this.#tables = tables;
    this.#matches = compileFind(request.find, tables);
    this.#excepts = pathTest(request.except);
    this.#allows = pathTest(request.allow);
    const {ownerUnknown, groupUnknown} = request.find;
    const mayShrink = request.allowPackaged || ownerUnknown !== undefined || groupUnknown !== undefined;
    this.#keep = mayShrink ? maxCandidates : maxFound;
  }

  excepts(path: string): boolean {
    return this.#excepts(path);
  }

  /** Whether this request has that path looked at, wherever the walk comes from. */
  covers(path: string): boolean {
    return (
      this.under.some(directory => path === directory || isBelow(path, directory)) && !isUnder(path, this.#excepts)
    );
  }

  visit(entry: WalkEntry): void {
    this.seen++;
    if (!this.#matches(entry)) return;
    const path = entry.path();
    if (this.#excepts(path)) return;
    const capabilities = this.#capabilities(entry, path);
    const secrets = this.#secrets(entry, path);
    if (capabilities === undefined || secrets === null) return;
    if (this.#allows(path)) this.allowed++;
    else if (this.found.length < this.#keep) {
      this.found.push({...fileStat(path, entry, this.#tables), capabilities, secrets, packageNote: null});
    } else {
      const owner = this.uncounted.size < maxOwners ? `${entry.uid}:${entry.gid}` : '-1:-1';
      this.uncounted.set(owner, (this.uncounted.get(owner) ?? 0) + 1);
    }
  }

  fail(path: string, reason: string): void {
    if (this.#excepts(path)) return;
    if (this.notSeen.length < maxNotSeen) this.notSeen.push({path, reason});
    else this.notSeenMore++;
  }

  /** Undefined when the entry is not as wanted, or cannot be read. */
  #capabilities(entry: WalkEntry, path: string): string | null | undefined {
    const wanted = this.request.find.capability;
    if (wanted === undefined) return null;
    const value = entry.readXattr('security.capability');
    if (!value.ok) {
      if (value.code !== 'absent') this.fail(path, value.reason);
      return undefined;
    }
    if ((value.value !== null) !== wanted) return undefined;
    return value.value === null ? null : capabilityText(value.value);
  }

  /** Null when the entry is not as wanted, or cannot be read. */
  #secrets(entry: WalkEntry, path: string): TreeEntry['secrets'] | null {
    const wanted = this.request.find.secretShapes;
    if (wanted === undefined) return [];
    const start = entry.size === 0 ? null : entry.readStart(secretBytes);
    if (start !== null && !start.ok) {
      if (start.code !== 'absent') this.fail(path, start.reason);
      return null;
    }
    const secrets = start === null ? [] : findSecrets(start.value);
    return secrets.length > 0 === wanted ? secrets : null;
  }
}
