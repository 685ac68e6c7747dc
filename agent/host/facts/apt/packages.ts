import {createHash} from 'node:crypto';
import type {Host} from '../../host.ts';
import {failed, type Look, looked} from '../../look.ts';
import {parseSource, parseStanza, StanzaScanner} from '../dpkg/stanzas.ts';
import {readPacked} from './unpack.ts';

/** One version of a package that is installed here, as an index lists it. */
export type ListedVersion = {
  name: string;
  architecture: string;
  version: string;
  source: string;
  sourceVersion: string;
  /** Share of machines that may take it yet, 0 to 100. */
  phasedPercentage: number;
};

/** Names that are looked up by their bytes, so that the many packages that are not installed cost no strings. */
export class NameSet {
  readonly #buckets = new Map<number, Buffer[]>();

  constructor(names: Iterable<string>) {
    for (const name of new Set(names)) {
      const bytes = Buffer.from(name, 'latin1');
      const hash = hashBytes(bytes, 0, bytes.length);
      this.#buckets.set(hash, [...(this.#buckets.get(hash) ?? []), bytes]);
    }
  }

  has(bytes: Buffer, start: number, end: number): boolean {
    const bucket = this.#buckets.get(hashBytes(bytes, start, end)) ?? [];
    return bucket.some(name => name.length === end - start && name.compare(bytes, start, end) === 0);
  }
}

/** FNV-1a, 32 bits. */
function hashBytes(bytes: Buffer, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let index = start; index < end; index++) hash = Math.imul(hash ^ (bytes[index] as number), 0x01000193);
  return hash;
}

/** One index lists a package in a few versions; more than this in all is damage or malice. */
const maxVersions = 200_000;

const packageField = Buffer.from('Package: ');
const newline = 10;

/**
 * The versions of `names` in one Packages index. `sha256` is what the Release file says of the unpacked index, null
 * when it says nothing; an index that differs from it is a failed look.
 */
export async function readIndex(
  host: Host,
  path: string,
  names: NameSet,
  sha256: string | null,
): Promise<Look<ListedVersion[]>> {
  const found: ListedVersion[] = [];
  const digest = sha256 === null ? null : createHash('sha256');
  const scanner = new StanzaScanner((bytes, start, end, position) => {
    const version = readVersion(bytes, start, end, position, names);
    if (version !== null) found.push(version);
    if (found.length > maxVersions) throw new Error(`it lists more than ${maxVersions} versions of what is installed`);
  });
  const read = await readPacked(host, path, chunk => {
    digest?.update(chunk);
    scanner.push(chunk);
  });
  if (!read.ok) return read;
  if (digest !== null && digest.digest('hex') !== sha256) {
    return failed(
      'io',
      `cannot trust ${path}: its SHA256 is not the one in the Release file, so it is damaged or was just replaced`,
    );
  }
  try {
    scanner.end();
  } catch (error) {
    return failed('io', `cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return looked(found);
}

function readVersion(
  bytes: Buffer,
  start: number,
  end: number,
  position: number,
  names: NameSet,
): ListedVersion | null {
  if (!isPackageField(bytes, start)) return readUnordered(bytes, start, end, position, names);
  let stop = bytes.indexOf(newline, start);
  if (stop < 0 || stop > end) stop = end;
  return names.has(bytes, start + packageField.length, stop)
    ? parseVersion(bytes.toString('latin1', start, end), position)
    : null;
}

function isPackageField(bytes: Buffer, start: number): boolean {
  for (let index = 0; index < packageField.length; index++)
    if (bytes[start + index] !== packageField[index]) return false;
  return true;
}

/** A stanza whose first field is not `Package`: allowed, and rare. */
function readUnordered(
  bytes: Buffer,
  start: number,
  end: number,
  position: number,
  names: NameSet,
): ListedVersion | null {
  const text = bytes.toString('latin1', start, end);
  const name = Buffer.from(parseStanza(text)?.get('package') ?? '', 'latin1');
  if (name.length === 0) throw new Error(`it is damaged: the stanza at byte ${position} names no package`);
  return names.has(name, 0, name.length) ? parseVersion(text, position) : null;
}

function parseVersion(text: string, position: number): ListedVersion | null {
  const fields = parseStanza(text);
  const name = fields?.get('package');
  if (fields === null || name === undefined)
    throw new Error(`it is damaged: the stanza at byte ${position} has a line that is no field`);
  const version = fields.get('version');
  const architecture = fields.get('architecture');
  if (version === undefined || architecture === undefined)
    throw new Error(`it is damaged: ${name} at byte ${position} has no version or architecture`);
  const percentage = fields.get('phased-update-percentage') ?? '100';
  return {
    name,
    architecture,
    version,
    ...parseSource(fields.get('source'), name, version),
    phasedPercentage: /^\d{1,3}$/.test(percentage) ? Number(percentage) : 100,
  };
}
