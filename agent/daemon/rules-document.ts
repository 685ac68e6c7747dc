import {createHash} from 'node:crypto';
import {packDocument, parseJson} from '../../controller/protocol/codec.ts';
import {type RulesDocument, rulesDocument} from '../../controller/protocol/documents.ts';
import {limits} from '../../controller/protocol/limits.ts';
import {hasShape} from '../../controller/protocol/shape.ts';
import type {LoadedSite} from '../checker/messages.ts';
import {readPrivate, writeWhole} from './atomic-file.ts';
import {ownDocument} from './own-rules.ts';

/** What its base64 may have, so that it fits a frame beside its other fields. */
const maxPacked = Math.floor((limits.frame - 1024) / 4) * 3;

export type Document = {
  value: RulesDocument;
  digest: string;
  /** Bytes before compression. */
  bytes: number;
  packed: Buffer;
};

/** What the loaded rules are called. When that is more than fits one document, first the reasons are cut, then left out. */
export function documentOf(site: Pick<LoadedSite, 'packs' | 'rules'>, version: string): Document {
  const own = ownDocument(version);
  const sorted = site.rules.toSorted((a, b) => (a.id < b.id ? -1 : 1)).slice(0, 10_000 - own.rules.length);
  for (const most of [4096, 500, 100, 0]) {
    const document = pack({
      v: 1,
      packs: [
        ...own.packs,
        ...site.packs
          .slice(0, 63)
          .map(({name, version, title, digest}) => ({name, version, title: title.slice(0, 200), digest})),
      ],
      rules: [
        ...own.rules,
        ...sorted.map(({id, pack, severity, title, why}) => ({
          id,
          pack,
          severity,
          title: most === 0 ? '' : title,
          why: why.slice(0, most),
        })),
      ],
    });
    if (document.bytes <= limits.document && document.packed.length <= maxPacked) return document;
  }
  return pack({v: 1, ...own});
}

/** The document of the last run; null when there is none, or one that is no such document. */
export function readDocument(path: string, uid: number): Document | null {
  const text = readPrivate(path, uid, limits.document);
  const value = text === null ? undefined : parseJson(text);
  return hasShape(rulesDocument, value) ? pack(value) : null;
}

export const writeDocument = (path: string, {value}: Document): void => writeWhole(path, JSON.stringify(value), 0o600);

function pack(value: RulesDocument): Document {
  const plain = Buffer.from(JSON.stringify(value), 'utf8');
  return {
    value,
    digest: createHash('sha256').update(plain).digest('hex'),
    bytes: plain.length,
    packed: packDocument(plain),
  };
}
