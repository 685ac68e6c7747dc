import {XmlError, type XmlHandler} from './xml.ts';

/** A package that a repository offers. */
export type OfferedPackage = {name: string; version: string; architecture: string};

const maxKept = 200_000;

/** Reads primary.xml, keeping the packages that `wanted` names. */
export class PrimaryHandler implements XmlHandler {
  readonly offered: OfferedPackage[] = [];
  readonly #wanted: {has(name: string): boolean};
  #name = '';
  #architecture = '';
  #version = '';

  constructor(wanted: {has(name: string): boolean}) {
    this.#wanted = wanted;
  }

  open(name: string, attributes: () => Map<string, string>, depth: number): boolean {
    if (depth === 1 && name !== 'metadata') throw new XmlError('it is not a list of packages');
    if (depth === 2) this.#name = this.#architecture = this.#version = '';
    if (depth !== 3) return false;
    if (name === 'version' && this.#wanted.has(this.#name)) this.#version = versionOf(attributes());
    return name === 'name' || name === 'arch';
  }

  close(name: string, text: string, depth: number): void {
    if (depth === 3 && name === 'name') this.#name = text.trim();
    if (depth === 3 && name === 'arch') this.#architecture = text.trim();
    if (depth !== 2 || this.#version === '' || this.#architecture === 'src') return;
    if (this.offered.length >= maxKept) throw new XmlError('it lists too many packages');
    this.offered.push({name: this.#name, version: this.#version, architecture: this.#architecture});
  }
}

/** `[epoch:]version-release` as reeve writes it, from the attributes that both files use. */
export function versionOf(attributes: Map<string, string>): string {
  const epoch = attributes.get('epoch') ?? '0';
  const version = attributes.get('ver') ?? attributes.get('version') ?? '';
  const release = attributes.get('rel') ?? attributes.get('release') ?? '';
  if (version === '' || release === '' || !/^\d*$/.test(epoch)) throw new XmlError('a package has no version');
  return `${epoch === '' || /^0+$/.test(epoch) ? '' : `${epoch}:`}${version}-${release}`;
}
