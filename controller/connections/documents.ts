import {createHash} from 'node:crypto';
import {Value} from 'typebox/value';
import type {CloseName} from '../protocol/close-codes.ts';
import {decompress, parseJson} from '../protocol/codec.ts';
import {inventoryDocument, rulesDocument} from '../protocol/documents.ts';
import {limits} from '../protocol/limits.ts';
import type {DocumentKind, FromHost} from '../protocol/messages.ts';

type Body = Extract<FromHost, {t: 'document'}>['b'];
export type OpenedDocument = {ok: true; frame: Buffer} | {ok: false; code: CloseName; reason: string};

const schemas = {rules: rulesDocument, inventory: inventoryDocument};

/** Takes a document apart: size, digest over the plain bytes, depth and shape. The frame is what is kept. */
export function openDocument({kind, digest, bytes, body}: Body): OpenedDocument {
  const frame = Buffer.from(body, 'base64');
  const plain = decompress(frame, limits.document);
  if (plain === null)
    return {ok: false, code: 'TOO_LARGE', reason: `a document is a zstd frame of at most ${limits.document} bytes`};
  const right = plain.length === bytes && createHash('sha256').update(plain).digest('hex') === digest;
  if (!right) return {ok: false, code: 'PROTOCOL', reason: 'the document is not the one that it says it is'};
  if (!Value.Check(schemas[kind], parseJson(plain.toString('utf8'))))
    return {ok: false, code: 'PROTOCOL', reason: `the document has not the shape of "${kind}"`};
  return {ok: true, frame};
}

type Named = {[K in DocumentKind]?: string | undefined};

/** Which documents a host says that it has, and which of them it may send. */
export class HostDocuments {
  /** What is stored of this host. */
  readonly #linked: {[K in DocumentKind]: string | null};
  readonly #named = new Map<string, DocumentKind>();

  constructor(linked: {[K in DocumentKind]: string | null}) {
    this.#linked = {...linked};
  }

  /** Takes what a hello or heartbeat named; returns what is new since the last one. */
  name(documents: Named): Array<{kind: DocumentKind; digest: string}> {
    const named = (['rules', 'inventory'] as const).flatMap(kind => {
      const digest = documents[kind];
      return digest === undefined || digest === this.#linked[kind] ? [] : [{kind, digest}];
    });
    const fresh = named.filter(({digest}) => !this.#named.has(digest));
    this.#named.clear();
    for (const {kind, digest} of named) this.#named.set(digest, kind);
    return fresh;
  }

  isWanted(kind: DocumentKind, digest: string): boolean {
    return this.#named.get(digest) === kind;
  }

  linked(kind: DocumentKind, digest: string): void {
    this.#linked[kind] = digest;
    this.#named.delete(digest);
  }
}
