import {versionOf} from './primary.ts';
import {XmlError, type XmlHandler} from './xml.ts';

/** One package of one advisory. An advisory that names no package of interest is not kept. */
export type AdvisoryPackage = {
  advisory: string;
  security: boolean;
  issuedMs: number | null;
  name: string;
  version: string;
  architecture: string;
  /** `name:stream` of the module that this build belongs to, or null. */
  module: string | null;
  rebootSuggested: boolean;
};

const maxKept = 500_000;

/**
 * Reads updateinfo.xml, keeping the packages that `wanted` names. What counts as security is the advisory's type, never
 * the look of its id: vendors number as they like.
 */
export class UpdateinfoHandler implements XmlHandler {
  readonly packages: AdvisoryPackage[] = [];
  readonly #wanted: {has(name: string): boolean};
  #advisory: {id: string; security: boolean; issuedMs: number | null; packages: AdvisoryPackage[]} | null = null;
  #module: string | null = null;
  #package: AdvisoryPackage | null = null;

  constructor(wanted: {has(name: string): boolean}) {
    this.#wanted = wanted;
  }

  open(name: string, attributes: () => Map<string, string>, depth: number): boolean {
    if (depth === 1 && name !== 'updates') throw new XmlError('it is not a list of advisories');
    if (depth === 2 && name === 'update')
      this.#advisory = {id: '', security: attributes().get('type') === 'security', issuedMs: null, packages: []};
    if (this.#advisory === null) return false;
    if (depth === 3 && name === 'issued') this.#advisory.issuedMs = parseIssued(attributes().get('date') ?? '');
    if (depth === 4 && name === 'collection') this.#module = null;
    if (depth === 5 && name === 'module') this.#module = moduleOf(attributes());
    if (depth === 5 && name === 'package') this.#package = this.#start(attributes());
    return (depth === 3 && name === 'id') || (depth === 6 && name === 'reboot_suggested');
  }

  close(name: string, text: string, depth: number): void {
    if (this.#advisory === null) return;
    if (depth === 3 && name === 'id') this.#advisory.id = text.trim();
    if (depth === 6 && name === 'reboot_suggested' && this.#package !== null)
      this.#package.rebootSuggested = !/^\s*(?:false|0)\s*$/i.test(text);
    if (depth === 5 && name === 'package' && this.#package !== null) {
      this.#advisory.packages.push(this.#package);
      this.#package = null;
      if (this.packages.length + this.#advisory.packages.length > maxKept)
        throw new XmlError('it lists too many packages');
    }
    if (depth !== 2) return;
    const {id, security, issuedMs, packages} = this.#advisory;
    this.#advisory = null;
    for (const entry of packages) this.packages.push({...entry, advisory: id, security, issuedMs});
  }

  #start(attributes: Map<string, string>): AdvisoryPackage | null {
    const name = attributes.get('name') ?? '';
    const architecture = attributes.get('arch') ?? '';
    if (!this.#wanted.has(name) || architecture === 'src') return null;
    return {
      advisory: '',
      security: false,
      issuedMs: null,
      name,
      version: versionOf(attributes),
      architecture,
      module: this.#module,
      rebootSuggested: false,
    };
  }
}

function moduleOf(attributes: Map<string, string>): string | null {
  const [name, stream] = [attributes.get('name'), attributes.get('stream')];
  return name && stream ? `${name}:${stream}` : null;
}

/** `2026-05-09 12:00:00`, an ISO time, a date, or seconds since the epoch; all UTC. */
function parseIssued(text: string): number | null {
  if (/^\d{9,11}$/.test(text)) return Number(text) * 1000;
  const match = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?))?/.exec(text);
  const time = match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2] ?? '00:00'}Z`);
  return Number.isNaN(time) ? null : time;
}
