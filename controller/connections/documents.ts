import {createHash} from 'node:crypto';
import type {CloseName} from '../protocol/close-codes.ts';
import {decompress, parseJson} from '../protocol/codec.ts';
import {inventoryDocument, rulesDocument} from '../protocol/documents.ts';
import {limits} from '../protocol/limits.ts';
import type {DocumentKind, FromHost} from '../protocol/messages.ts';
import {hasShape} from '../protocol/shape.ts';

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
  if (!hasShape(schemas[kind], parseJson(plain.toString('utf8'))))
    return {ok: false, code: 'PROTOCOL', reason: `the document has not the shape of "${kind}"`};
  return {ok: true, frame};
}

type Named = {[K in DocumentKind]?: string | undefined};

/** Which documents a host says that it has, and which of them it may send. */
export class HostDocuments {
  readonly #named = new Map<DocumentKind, string>();
  /** What is stored of this host. */
  readonly #linked: {[K in DocumentKind]: string | null};

  constructor(linked: {[K in DocumentKind]: string | null}) {
    this.#linked = {...linked};
  }

  /** Takes what a hello or heartbeat named; returns what the one before did not name. */
  name(documents: Named): Array<{kind: DocumentKind; digest: string}> {
    return (['rules', 'inventory'] as const).flatMap(kind => {
      const digest = documents[kind];
      if (digest === undefined || this.#named.get(kind) === digest) return [];
      this.#named.set(kind, digest);
      return [{kind, digest}];
    });
  }

  isWanted(kind: DocumentKind, digest: string): boolean {
    return this.#named.get(kind) === digest && !this.isLinked(kind, digest);
  }

  isLinked(kind: DocumentKind, digest: string): boolean {
    return this.#linked[kind] === digest;
  }

  linked(kind: DocumentKind, digest: string): void {
    this.#linked[kind] = digest;
  }
}
