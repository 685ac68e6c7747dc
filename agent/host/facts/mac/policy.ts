import {PolicyError, PolicyReader} from './policy-reader.ts';

export type BinaryPolicy = {
  version: number;
  mls: boolean;
  /** Names of the types that the policy makes permissive; `type 123` for one that has no name. */
  permissive: string[];
  /** Booleans and their values: in the running policy those of now, in the file those that loading it brings. */
  booleans: Map<string, boolean>;
};

const magic = 0xf97cff8c;
const oldestVersion = 24;
const newestVersion = 35;
const symbolTables = 8;
const version = {roleDefaults: 27, defaultType: 28, constraintNames: 29, neverAudit: 35};

/**
 * The part of a kernel policy that says which domains are permissive and what booleans are set to: header, capability
 * and permissive maps, and the symbol tables up to the booleans; the rules after them are not read. Layout:
 * libsepol/src/policydb.c, policydb_read(). Formats 24 (RHEL 6) to 35. Throws PolicyError for damaged bytes.
 */
export function parseBinaryPolicy(bytes: Uint8Array): BinaryPolicy {
  const reader = new PolicyReader(bytes);
  if (reader.u32() !== magic) throw new PolicyError('it does not begin as a kernel policy does');
  const target = reader.text(Math.min(reader.u32(), 32));
  if (target !== 'SE Linux') throw new PolicyError('it is no policy for Linux');
  const format = reader.u32();
  if (format < oldestVersion || format > newestVersion) {
    throw new PolicyError(`its format is ${format}, known are ${oldestVersion} to ${newestVersion}`);
  }
  const mls = (reader.u32() & 1) === 1;
  if (reader.u32() !== symbolTables) throw new PolicyError('it has another number of symbol tables');
  reader.u32();
  reader.skipEbitmap();
  const permissive = reader.ebitmap();
  if (format >= version.neverAudit) reader.skipEbitmap();
  table(reader, skipCommon);
  table(reader, () => skipClass(reader, format));
  table(reader, () => skipRole(reader));
  const types = new Map<number, string>();
  table(reader, () => readType(reader, types));
  table(reader, () => skipUser(reader));
  const booleans = new Map<string, boolean>();
  table(reader, () => readBoolean(reader, booleans));
  return {version: format, mls, permissive: permissive.map(number => types.get(number) ?? `type ${number}`), booleans};
}

function table(reader: PolicyReader, each: (reader: PolicyReader) => void): void {
  reader.u32();
  const count = reader.count(12);
  for (let index = 0; index < count; index++) each(reader);
}

function skipCommon(reader: PolicyReader): void {
  const length = reader.u32();
  reader.skip(8);
  const permissions = reader.count(8);
  reader.skip(length);
  skipPermissions(reader, permissions);
}

function skipPermissions(reader: PolicyReader, count: number): void {
  reader.bounded(count, 8);
  for (let index = 0; index < count; index++) {
    const length = reader.u32();
    reader.skip(4);
    reader.skip(length);
  }
}

function skipClass(reader: PolicyReader, format: number): void {
  const [length, commonLength] = [reader.u32(), reader.u32()];
  reader.skip(8);
  const [permissions, constraints] = [reader.u32(), reader.u32()];
  reader.skip(length);
  reader.skip(commonLength);
  skipPermissions(reader, permissions);
  skipConstraints(reader, constraints, format);
  skipConstraints(reader, reader.u32(), format);
  if (format >= version.roleDefaults) reader.skip(12);
  if (format >= version.defaultType) reader.skip(4);
}

const namesExpression = 5;

function skipConstraints(reader: PolicyReader, count: number, format: number): void {
  reader.bounded(count, 8);
  for (let index = 0; index < count; index++) {
    reader.skip(4);
    const expressions = reader.count(12);
    for (let part = 0; part < expressions; part++) {
      const type = reader.u32();
      reader.skip(8);
      if (type !== namesExpression) continue;
      reader.skipEbitmap();
      if (format < version.constraintNames) continue;
      reader.skipEbitmap();
      reader.skipEbitmap();
      reader.skip(4);
    }
  }
}

function skipRole(reader: PolicyReader): void {
  const length = reader.u32();
  reader.skip(8 + length);
  reader.skipEbitmap();
  reader.skipEbitmap();
}

const primaryType = 1;

/** A type has one primary name; aliases have the same number without the mark. */
function readType(reader: PolicyReader, types: Map<number, string>): void {
  const [length, value, properties] = [reader.u32(), reader.u32(), reader.u32()];
  reader.skip(4);
  const name = reader.text(length);
  if ((properties & primaryType) !== 0) types.set(value, name);
}

/** Every user has a range and a level, also where the policy has only the one that there must be. */
function skipUser(reader: PolicyReader): void {
  const length = reader.u32();
  reader.skip(8 + length);
  reader.skipEbitmap();
  const levels = reader.count(4);
  if (levels < 1 || levels > 2) throw new PolicyError('a user has a range of neither one nor two levels');
  reader.skip(4 * levels);
  for (let level = 0; level < levels; level++) reader.skipEbitmap();
  reader.skip(4);
  reader.skipEbitmap();
}

function readBoolean(reader: PolicyReader, booleans: Map<string, boolean>): void {
  reader.skip(4);
  const [state, length] = [reader.u32(), reader.u32()];
  booleans.set(reader.text(length), state !== 0);
}
