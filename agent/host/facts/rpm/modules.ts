import {XmlError} from './xml.ts';

const maxLineLength = 64 * 1024;
const maxArtifacts = 1_000_000;

/**
 * Which packages of a repository belong to which module streams, from its modules.yaml: `name-epoch:version-release.arch`
 * → `module:stream`. Only those four things are read, line by line: the file is written by one program in one shape
 * (modulemd 2), and a YAML parser would build the whole of it.
 */
export class ModuleLines {
  readonly artifacts = new Map<string, Set<string>>();
  readonly #wanted: {has(name: string): boolean};
  #rest = '';
  #document = {kind: '', name: '', stream: '', inRpms: false, artifacts: [] as string[]};
  #count = 0;

  constructor(wanted: {has(name: string): boolean}) {
    this.#wanted = wanted;
  }

  write(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() as string;
    if (this.#rest.length > maxLineLength) throw new XmlError('it has a line that is too long');
    for (const line of lines) this.#line(line);
  }

  end(): void {
    this.#line(this.#rest);
    this.#finish();
  }

  #line(line: string): void {
    if (line.startsWith('---')) this.#finish();
    const top = /^(document| {2}name| {2}stream): *(.*)$/.exec(line);
    if (top !== null) {
      const value = (top[2] as string).trim().replace(/^(["'])(.*)\1$/, '$2');
      if (top[1] === 'document') this.#document.kind = value;
      else if (top[1] === '  name') this.#document.name = value;
      else this.#document.stream = value;
    }
    if (/^ {4}rpms:\s*$/.test(line)) this.#document.inRpms = true;
    else if (/^ {0,4}[^\s-]/.test(line)) this.#document.inRpms = false;
    if (!this.#document.inRpms) return;
    const artifact = /^\s+- (\S+)\s*$/.exec(line)?.[1]?.replace(/^(["'])(.*)\1$/, '$2');
    const name = artifact === undefined ? undefined : /^(.+)-\d+:[^-]+-[^-]+$/.exec(artifact)?.[1];
    if (artifact === undefined || name === undefined || !this.#wanted.has(name)) return;
    if (++this.#count > maxArtifacts) throw new XmlError('it lists too many packages');
    this.#document.artifacts.push(artifact);
  }

  #finish(): void {
    const {kind, name, stream, artifacts} = this.#document;
    this.#document = {kind: '', name: '', stream: '', inRpms: false, artifacts: []};
    if (kind !== 'modulemd' || name === '' || stream === '') return;
    for (const artifact of artifacts)
      this.artifacts.set(artifact, (this.artifacts.get(artifact) ?? new Set()).add(`${name}:${stream}`));
  }
}
