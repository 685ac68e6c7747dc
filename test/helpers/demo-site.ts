import {mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Pack, Rule} from '../../policies/pack.ts';

/** A folder of a test's own, mode 0700, removed after it. */
export function ownFolder(t: {teardown(end: () => void): void}): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-site-')));
  t.teardown(() => rmSync(folder, {recursive: true, force: true}));
  return folder;
}

export const packOf = (rules: Rule[]): Pack => ({
  name: 'demo',
  version: '1.0.0',
  title: 'For tests',
  digest: '0'.repeat(64),
  params: {},
  rules: rules.map(rule => ({...rule, pack: 'demo'})),
});

/** A configuration with one pack `demo` of its own: each rule wants a file of the folder to have no more than 0600. */
export class DemoSite {
  readonly folder: string;
  readonly configPath: string;
  readonly stateDir: string;

  constructor(t: {teardown(end: () => void): void}, names: string[], checks = '') {
    this.folder = ownFolder(t);
    this.configPath = join(this.folder, 'agent.yaml');
    this.stateDir = join(this.folder, 'state');
    mkdirSync(this.stateDir, {mode: 0o700});
    mkdirSync(join(this.folder, 'policies/demo'), {recursive: true, mode: 0o755});
    for (const name of names) this.write(name, `${name}\n`);
    this.write('policies/demo/pack.yaml', 'pack: demo\nversion: 1.0.0\ntitle: For tests\n');
    this.writeRules(names);
    this.writeConfig(checks);
  }

  at(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): void {
    writeFileSync(this.at(name), text, {mode: 0o600});
  }

  writeConfig(checks: string): void {
    this.write('agent.yaml', `packs: [demo]\npolicies_dir: ${this.at('policies')}\n${checks}`);
  }

  writeRules(names: string[]): void {
    this.write('policies/demo/files.yaml', `area: files\nrules:\n${names.map(name => this.#rule(name)).join('')}`);
  }

  #rule(name: string): string {
    return `  - id: files.${name}
    title: Nobody else reads ${name}
    why: It is for a test.
    severity: low
    refs: {}
    check: {file: {path: ${this.at(name)}, mode_at_most: "0600"}}
    none: fail
`;
  }
}
