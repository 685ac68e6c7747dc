import {pageSizeOf} from './sqlite.ts';

/** The pages of a write-ahead log that count: those of the last finished transaction and before. */
export type WalPages = {pages: Map<number, Uint8Array>; pageCount: number};

/**
 * What SQLite would read from the log beside a database, or null when nothing in it counts. A frame counts when it
 * carries the header's salts and the running checksum is right; reading ends at the first that does not.
 * Source: sqlite.org/fileformat2.html, section 4.
 */
export function readWal(database: Buffer, log: Buffer): WalPages | null {
  if (log.length < 32 || database.length < 100) return null;
  const pageSize = pageSizeOf(database);
  const magic = log.readUInt32BE(0);
  if ((magic & 0xfffffffe) >>> 0 !== 0x377f0682 || pageSize === null || log.readUInt32BE(8) !== pageSize) return null;
  const read = (magic & 1) === 1 ? (at: number) => log.readUInt32BE(at) : (at: number) => log.readUInt32LE(at);
  let sum = checksum(read, 0, 24, {s0: 0, s1: 0});
  if (!matches(log, 24, sum)) return null;
  const finished: WalPages = {pages: new Map(), pageCount: 0};
  let open: Array<[number, Uint8Array]> = [];
  for (let at = 32; at + 24 + pageSize <= log.length; at += 24 + pageSize) {
    if (log.compare(log, 16, 24, at + 8, at + 16) !== 0) break;
    sum = checksum(read, at + 24, pageSize, checksum(read, at, 8, sum));
    if (!matches(log, at + 16, sum)) break;
    open.push([log.readUInt32BE(at), log.subarray(at + 24, at + 24 + pageSize)]);
    const pageCount = log.readUInt32BE(at + 4);
    if (pageCount === 0) continue;
    for (const [number, page] of open) finished.pages.set(number, page);
    finished.pageCount = pageCount;
    open = [];
  }
  return finished.pageCount === 0 ? null : finished;
}

type Sum = {s0: number; s1: number};

function checksum(read: (at: number) => number, start: number, size: number, {s0, s1}: Sum): Sum {
  for (let at = start; at < start + size; at += 8) {
    s0 = (s0 + read(at) + s1) >>> 0;
    s1 = (s1 + read(at + 4) + s0) >>> 0;
  }
  return {s0, s1};
}

function matches(log: Buffer, at: number, sum: Sum): boolean {
  return log.readUInt32BE(at) === sum.s0 && log.readUInt32BE(at + 4) === sum.s1;
}
