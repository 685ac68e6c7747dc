import type {StatementSync} from 'node:sqlite';
import {decompress, parseJson} from '../../protocol/codec.ts';
import {
  type InventoryDocument,
  inventoryDocument,
  type RulesDocument,
  rulesDocument,
} from '../../protocol/documents.ts';
import {limits} from '../../protocol/limits.ts';
import {hasShape} from '../../protocol/shape.ts';

/** A host's rules, ready to be looked up. */
export type Rules = {document: RulesDocument; byId: ReadonlyMap<string, RulesDocument['rules'][number]>};

/** Plain bytes of rules that are kept unpacked. Hosts with the same packs share one document, so a fleet has a few. */
const maxRulesBytes = 16 * 1024 * 1024;
const maxSystems = 10_000;
/**
 * Plain bytes that one request has unpacked at most; titles beyond it are left out. A fleet's documents are far below;
 * hosts that each make up one of the largest size cannot hold the reader up.
 */
const requestBytes = 32 * 1024 * 1024;

/** Documents by their digest, which never change; so what is unpacked once stays right. */
export class Documents {
  readonly #prepare: (sql: string) => StatementSync;
  readonly #rules = new Map<string, {rules: Rules; bytes: number}>();
  #rulesBytes = 0;
  readonly #systems = new Map<string, string>();
  #left = requestBytes;

  constructor(prepare: (sql: string) => StatementSync) {
    this.#prepare = prepare;
  }

  startRequest(): void {
    this.#left = requestBytes;
  }

  /** Null when there is no such document, it is damaged, or this request unpacked enough. */
  rules(digest: string | null): Rules | null {
    if (digest === null) return null;
    const kept = this.#rules.get(digest);
    if (kept !== undefined) {
      this.#rules.delete(digest);
      this.#rules.set(digest, kept);
      return kept.rules;
    }
    const opened = this.#open(digest, 'rules');
    if (opened === null || !hasShape(rulesDocument, opened.value)) return null;
    const document = opened.value;
    const rules = {document, byId: new Map(document.rules.map(rule => [rule.id, rule]))};
    this.#rules.set(digest, {rules, bytes: opened.bytes});
    this.#rulesBytes += opened.bytes;
    for (const [oldest, {bytes}] of this.#rules) {
      if (this.#rulesBytes <= maxRulesBytes || oldest === digest) break;
      this.#rules.delete(oldest);
      this.#rulesBytes -= bytes;
    }
    return rules;
  }

  inventory(digest: string | null): InventoryDocument | null {
    if (digest === null) return null;
    const opened = this.#open(digest, 'inventory');
    return opened !== null && hasShape(inventoryDocument, opened.value) ? opened.value : null;
  }

  /** What the inventory calls the operating system. */
  system(digest: string | null): string | null {
    if (digest === null) return null;
    const kept = this.#systems.get(digest);
    if (kept !== undefined) return kept;
    const os = this.inventory(digest)?.os;
    const system = os === undefined ? null : `${os.name} ${os.version}`.trim();
    if (system === null) return null;
    if (this.#systems.size >= maxSystems) this.#systems.clear();
    this.#systems.set(digest, system);
    return system;
  }

  #open(digest: string, kind: string): {value: unknown; bytes: number} | null {
    if (this.#left <= 0) return null;
    const row = this.#prepare('SELECT body FROM document WHERE digest = ? AND kind = ?').get(digest, kind);
    const plain = row === undefined ? null : decompress(row.body as Uint8Array, limits.document);
    this.#left -= plain?.length ?? limits.document;
    return plain === null ? null : {value: parseJson(plain.toString('utf8')), bytes: plain.length};
  }
}
