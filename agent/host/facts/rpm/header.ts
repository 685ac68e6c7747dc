import {decodeName} from '../../names.ts';

/**
 * An rpm package header as the database keeps it: a count of index entries, a count of data bytes, the entries
 * (tag, type, offset, count; big-endian), the data. Source: rpm's docs/manual/format_header.md.
 *
 * Every offset and count is checked before use, so a forged header costs no more than its own size.
 */
export type RpmHeader = {
  /** At most 4,096 bytes; null when it is longer or not there. */
  text(tag: number): string | null;
  /** Paths are among them, so bytes that are not UTF-8 stand as names.ts says. */
  texts(tag: number): string[];
  numbers(tag: number): number[];
};

export const rpmTag = {
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  installTime: 1008,
  architecture: 1022,
  fileStates: 1029,
  fileModes: 1030,
  fileDigests: 1035,
  fileLinks: 1036,
  fileFlags: 1037,
  fileUsers: 1039,
  fileGroups: 1040,
  sourceRpm: 1044,
  fileVerifyFlags: 1045,
  dirIndexes: 1116,
  baseNames: 1117,
  dirNames: 1118,
  fileDigestAlgorithm: 5011,
  modularityLabel: 5096,
} as const;

const type = {char: 1, int8: 2, int16: 3, int32: 4, int64: 5, string: 6, binary: 7, stringArray: 8, i18n: 9} as const;
const sizes = new Map<number, number>([
  [type.char, 1],
  [type.int8, 1],
  [type.int16, 2],
  [type.int32, 4],
]);

/** rpm's own limits, lib/header.c. */
const maxEntries = 65_535;
const maxDataBytes = 256 * 1024 * 1024;
/** Ours: the largest packages of any distribution have some hundred thousand files. */
const maxValues = 1_000_000;
const maxTextBytes = 4096;

type Entry = {type: number; offset: number; count: number};

/** The header, or why it is not one. Values that do not fit their entry read as if they were not there. */
export function parseRpmHeader(bytes: Uint8Array): RpmHeader | {damaged: string} {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.length < 8) return {damaged: 'it is shorter than its own counts'};
  const entryCount = view.readUInt32BE(0);
  const dataBytes = view.readUInt32BE(4);
  if (entryCount > maxEntries || dataBytes > maxDataBytes)
    return {damaged: `it claims ${entryCount} entries and ${dataBytes} bytes`};
  const dataStart = 8 + entryCount * 16;
  if (dataStart + dataBytes > view.length) return {damaged: 'it is cut short'};
  const data = view.subarray(dataStart, dataStart + dataBytes);
  const entries = new Map<number, Entry>();
  for (let at = 8; at < dataStart; at += 16) {
    // Of a tag given twice the later counts: rpm appends what it adds at installation.
    entries.set(view.readUInt32BE(at), {
      type: view.readUInt32BE(at + 4),
      offset: view.readInt32BE(at + 8),
      count: view.readUInt32BE(at + 12),
    });
  }
  return {
    text: tag => readText(data, entries.get(tag)),
    texts: tag => readTexts(data, entries.get(tag)),
    numbers: tag => readNumbers(data, entries.get(tag)),
  };
}

const isText = ({type: found}: Entry) => found === type.string || found === type.stringArray || found === type.i18n;

function readText(data: Buffer, entry: Entry | undefined): string | null {
  if (entry === undefined || entry.offset < 0 || !isText(entry)) return null;
  const end = data.subarray(0, entry.offset + maxTextBytes + 1).indexOf(0, entry.offset);
  return end < 0 || entry.offset >= data.length ? null : decodeName(data.subarray(entry.offset, end));
}

function readTexts(data: Buffer, entry: Entry | undefined): string[] {
  if (entry === undefined || entry.offset < 0 || !isText(entry) || entry.count > maxValues) return [];
  const texts: string[] = [];
  let at = entry.offset;
  while (texts.length < entry.count) {
    const end = at < data.length ? data.indexOf(0, at) : -1;
    if (end < 0) return [];
    texts.push(decodeName(data.subarray(at, end)));
    at = end + 1;
  }
  return texts;
}

function readNumbers(data: Buffer, entry: Entry | undefined): number[] {
  const size = entry === undefined ? undefined : sizes.get(entry.type);
  if (entry === undefined || size === undefined || entry.offset < 0 || entry.count > maxValues) return [];
  if (entry.offset + entry.count * size > data.length) return [];
  return Array.from({length: entry.count}, (_, index) => data.readUIntBE(entry.offset + index * size, size));
}
