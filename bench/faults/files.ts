import {chmodSync, mkdirSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

/** The pack that speaks of the files, and its rules' ids. */
export const filesPack = 'files-under-fault';

/**
 * The files whose modes the run changes, and what it did to each: the truth that agent and controller are held against.
 */
export class Files {
  readonly paths: string[];
  changes = 0;
  /** Path to each mode that it ever had, in order, as the findings write modes. */
  readonly history = new Map<string, string[]>();

  /** Makes `folders` folders of `each` files below `root`. */
  constructor(root: string, folders: number, each: number) {
    this.paths = Array.from({length: folders}, (_, folder) => {
      mkdirSync(join(root, `${folder}`), {recursive: true, mode: 0o755});
      return Array.from({length: each}, (_, file) => join(root, `${folder}`, `${file}`));
    }).flat();
    for (const path of this.paths) {
      writeFileSync(path, '');
      chmodSync(path, 0o600);
      this.history.set(path, [written(0o600)]);
    }
  }

  change(path: string, mode: number): void {
    // Written down first: a checker may see it before chmod returns.
    this.history.get(path)?.push(written(mode));
    chmodSync(path, mode);
    this.changes++;
  }

  now(path: string): string {
    return written(statSync(path).mode & 0o7777);
  }
}

/** A mode as findings of kind file say it. */
const written = (mode: number): string => mode.toString(8).padStart(4, '0');

/** Writes the site's pack: one rule a folder of files; and the agent's configuration. Returns the latter's path. */
export function writeFilesPack(folder: string, root: string, folders: number): string {
  const policies = join(folder, 'policies.d');
  const pack = join(policies, filesPack);
  mkdirSync(pack, {recursive: true, mode: 0o755});
  writeFileSync(
    join(pack, 'pack.yaml'),
    `pack: ${filesPack}\nversion: 1.0.0\ntitle: Files whose modes the fault run changes\n`,
  );
  const rules = Array.from(
    {length: folders},
    (_, index) => `  - id: ${filesPack}.${index}
    title: The files of folder ${index} are not open to all
    why: The fault run changes their modes
    severity: low
    check: {file: {path: ${join(root, `${index}`)}/*, mode_at_most: "0640"}}
    none: fail
`,
  );
  writeFileSync(join(pack, 'files.yaml'), `area: files\nrules:\n${rules.join('')}`);
  const config = join(folder, 'agent.yaml');
  writeFileSync(config, `packs: [${filesPack}]\npolicies_dir: ${policies}\n`, {mode: 0o600});
  return config;
}
