import {createHash} from 'node:crypto';
import type {WireFinding} from './batch.ts';

const modulus = 1n << 256n;

/**
 * The digest of one finding: SHA-256 over its JSON as `JSON.stringify` writes it, in the order of keys in which it
 * travelled. Reading such JSON and writing it again gives the same bytes, so both sides agree without a canonical form.
 */
export const findingDigest = (finding: WireFinding): string => jsonDigest(JSON.stringify(finding));

/** The same, of a finding that is written already. */
export const jsonDigest = (json: string): string => createHash('sha256').update(json).digest('hex');

/**
 * The digest of a set of findings: the sum of their digests modulo 2^256, so that one change costs one subtraction and one
 * addition however large the set is. It finds drift between two sides that trust each other's arithmetic; it is no proof
 * against a host that wants to lie, which could as well lie in its findings.
 */
export class SetDigest {
  #sum: bigint;

  /** `hex` is what `toString()` gave; none is the empty set. */
  constructor(hex = '0') {
    this.#sum = BigInt(`0x${hex}`);
  }

  add(digest: string): void {
    this.#sum = (this.#sum + BigInt(`0x${digest}`)) % modulus;
  }

  remove(digest: string): void {
    this.#sum = (this.#sum - BigInt(`0x${digest}`) + modulus) % modulus;
  }

  toString(): string {
    return this.#sum.toString(16).padStart(64, '0');
  }
}
