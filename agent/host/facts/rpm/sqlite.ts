import {failed, type Look, looked} from '../../look.ts';

/**
 * Reads tables out of an SQLite file's bytes. SQLite itself is not asked: a damaged or forged file can hold a view that
 * never ends or a tree of pages that is walked for ever, and nothing can stop SQLite in the middle of that. Here each
 * page is visited at most once, so time and memory are bounded by the file's size, and nothing beside the file is
 * created. Source: sqlite.org/fileformat2.html.
 */
export type SqliteFile = {pageSize: number; pageCount: number; page: (number: number) => Uint8Array | null};

/** One column of a row: an integer, text, bytes, or null. Floats are not wanted by anyone and stand as null. */
export type SqliteValue = number | bigint | string | Uint8Array | null;

const magic = 'SQLite format 3\0';
const maxDepth = 20;
const maxColumns = 100;
/** Two for the cell's pointer, two for its size and number. */
const leastRowBytes = 4;

/** `overlay` holds pages that are newer than the file's own (wal.ts). */
export function openSqlite(
  name: string,
  bytes: Buffer,
  overlay?: {pages: Map<number, Uint8Array>; pageCount: number},
): Look<SqliteFile> {
  const damaged = (why: string) => failed('io', `cannot read ${name}: ${why}`);
  if (bytes.length < 100 || bytes.toString('latin1', 0, 16) !== magic) return damaged('it is not an SQLite database');
  const pageSize = pageSizeOf(bytes);
  if (pageSize === null) return damaged('its page size is not possible');
  if (bytes[20] !== 0 || bytes.readUInt32BE(56) > 1)
    return damaged('it is a kind of SQLite database that reeve does not read');
  const pageCount = overlay?.pageCount ?? Math.floor(bytes.length / pageSize);
  if (
    overlay === undefined &&
    bytes.readUInt32BE(24) === bytes.readUInt32BE(92) &&
    bytes.readUInt32BE(28) > pageCount
  ) {
    return damaged('it is cut short');
  }
  const page = (number: number) => {
    if (number < 1 || number > pageCount) return null;
    const newer = overlay?.pages.get(number);
    if (newer !== undefined) return newer;
    const end = number * pageSize;
    return end <= bytes.length ? bytes.subarray(end - pageSize, end) : null;
  };
  return looked({pageSize, pageCount, page});
}

export function pageSizeOf(bytes: Buffer): number | null {
  const stored = bytes.readUInt16BE(16);
  const pageSize = stored === 1 ? 65_536 : stored;
  return pageSize >= 512 && (pageSize & (pageSize - 1)) === 0 ? pageSize : null;
}

/** Thrown inside this module for what does not fit the format; `readTable` turns it into a failed look. */
class Damaged extends Error {}

/**
 * All rows of a table, in the order of their numbers, each handed to `row`, which may stop the walk by answering
 * false. Fails when the table is not there or the file is damaged.
 */
export function readTable(
  name: string,
  file: SqliteFile,
  table: string,
  row: (rowid: bigint, values: SqliteValue[]) => boolean | undefined,
): Look<null> {
  try {
    const walk = new Walk(file);
    let root: number | null = null;
    walk.table(1, values => {
      if (values[0] === 'table' && values[1] === table && typeof values[3] === 'number') root = values[3];
      return root === null;
    });
    if (root === null) return failed('io', `cannot read ${name}: it has no table ${table}`);
    new Walk(file).table(root, (values, rowid) => row(rowid, values) !== false);
    return looked(null);
  } catch (error) {
    if (error instanceof Damaged) return failed('io', `cannot read ${name}: it is damaged, ${error.message}`);
    throw error;
  }
}

class Walk {
  readonly #file: SqliteFile;
  readonly #visited: Uint8Array;
  /** In a sound file no two rows share a byte, so all rows together are smaller than the file. */
  #bytesLeft: number;

  constructor(file: SqliteFile) {
    this.#file = file;
    this.#visited = new Uint8Array(file.pageCount + 1);
    this.#bytesLeft = file.pageCount * file.pageSize;
  }

  /** False when `row` asked to stop. */
  table(number: number, row: (values: SqliteValue[], rowid: bigint) => boolean, depth = 0): boolean {
    if (depth > maxDepth) throw new Damaged('its tree is too deep');
    const page = this.#page(number);
    const start = number === 1 ? 100 : 0;
    const type = page[start];
    if (type !== 0x05 && type !== 0x0d) throw new Damaged(`page ${number} is no table page`);
    const cells = readUint(page, start + 3, 2);
    const pointers = start + (type === 0x05 ? 12 : 8);
    for (let index = 0; index < cells; index++) {
      const cell = readUint(page, pointers + 2 * index, 2);
      const more = type === 0x05 ? this.table(readUint(page, cell, 4), row, depth + 1) : this.#leaf(page, cell, row);
      if (!more) return false;
    }
    return type === 0x0d || this.table(readUint(page, start + 8, 4), row, depth + 1);
  }

  #leaf(page: Uint8Array, cell: number, row: (values: SqliteValue[], rowid: bigint) => boolean): boolean {
    const size = readVarint(page, cell);
    const rowid = readVarint(page, size.next);
    return row(parseRecord(this.#payload(page, rowid.next, Number(size.value))), BigInt.asIntN(64, rowid.value));
  }

  #payload(page: Uint8Array, start: number, size: number): Uint8Array {
    const usable = this.#file.pageSize;
    this.#bytesLeft -= size + leastRowBytes;
    if (this.#bytesLeft < 0) throw new Damaged('its rows are larger than the file');
    if (size <= usable - 35) return slice(page, start, size);
    const least = Math.floor(((usable - 12) * 32) / 255) - 23;
    const wanted = least + ((size - least) % (usable - 4));
    const local = wanted <= usable - 35 ? wanted : least;
    const payload = new Uint8Array(size);
    payload.set(slice(page, start, local));
    let filled = local;
    let next = readUint(page, start + local, 4);
    while (filled < size) {
      const overflow = this.#page(next);
      const part = overflow.subarray(4, 4 + Math.min(size - filled, usable - 4));
      payload.set(part, filled);
      filled += part.length;
      next = readUint(overflow, 0, 4);
    }
    return payload;
  }

  #page(number: number): Uint8Array {
    const page = this.#file.page(number);
    if (page === null) throw new Damaged(`page ${number} is not in the file`);
    if (this.#visited[number] === 1) throw new Damaged(`page ${number} is used twice`);
    this.#visited[number] = 1;
    return page;
  }
}

function parseRecord(payload: Uint8Array): SqliteValue[] {
  const header = readVarint(payload, 0);
  const end = Number(header.value);
  if (end > payload.length) throw new Damaged('a row is cut short');
  const values: SqliteValue[] = [];
  let at = header.next;
  let body = end;
  while (at < end) {
    const type = readVarint(payload, at);
    at = type.next;
    const {value, size} = readColumn(payload, body, Number(type.value));
    values.push(value);
    body += size;
    if (values.length > maxColumns) throw new Damaged('a row has too many columns');
  }
  return values;
}

const integerSizes = [0, 1, 2, 3, 4, 6, 8];

function readColumn(payload: Uint8Array, at: number, type: number): {value: SqliteValue; size: number} {
  if (type === 0) return {value: null, size: 0};
  if (type === 8 || type === 9) return {value: type - 8, size: 0};
  if (type === 7) return {value: null, size: 8};
  if (type < 7) {
    const size = integerSizes[type] as number;
    const bytes = slice(payload, at, size);
    let value = 0n;
    for (const byte of bytes) value = value * 256n + BigInt(byte);
    const signed = BigInt.asIntN(size * 8, value);
    return {value: Number.isSafeInteger(Number(signed)) ? Number(signed) : signed, size};
  }
  if (type < 12) throw new Damaged('a row has a column of no known type');
  const size = Math.floor((type - 12) / 2);
  const bytes = slice(payload, at, size);
  return {value: type % 2 === 0 ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, size).toString('utf8'), size};
}

function slice(bytes: Uint8Array, start: number, size: number): Uint8Array {
  if (start + size > bytes.length) throw new Damaged('a row ends past its page');
  return bytes.subarray(start, start + size);
}

function readUint(bytes: Uint8Array, at: number, size: 2 | 4): number {
  if (at + size > bytes.length) throw new Damaged('a number ends past its page');
  let value = 0;
  for (let index = 0; index < size; index++) value = value * 256 + (bytes[at + index] as number);
  return value;
}

function readVarint(bytes: Uint8Array, start: number): {value: bigint; next: number} {
  let value = 0n;
  for (let index = 0; index < 9; index++) {
    const byte = bytes[start + index];
    if (byte === undefined) throw new Damaged('a number ends past its page');
    if (index === 8) return {value: value * 256n + BigInt(byte), next: start + 9};
    value = value * 128n + BigInt(byte & 0x7f);
    if (byte < 0x80) return {value, next: start + index + 1};
  }
  throw new Damaged('a number does not end');
}
