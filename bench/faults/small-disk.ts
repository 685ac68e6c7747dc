import {spawnSync} from 'node:child_process';
import {closeSync, mkdirSync, openSync, rmSync, writeSync} from 'node:fs';
import {join} from 'node:path';

const block = Buffer.alloc(64 * 1024);

/** A file system of its own for one folder, that can be filled. Only in own-namespaces.ts, so that nobody else sees it. */
export class SmallDisk {
  readonly #ballast: string;

  /** Mounts over `folder`, which is made; throws when that is not allowed. */
  constructor(folder: string, megabytes: number) {
    mkdirSync(folder, {recursive: true});
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'reeve-faults', folder], {
      encoding: 'utf8',
    });
    if (mounted.status !== 0) throw new Error(`cannot mount a tmpfs on ${folder}: ${mounted.stderr.trim()}`);
    this.#ballast = join(folder, 'ballast');
  }

  /** Leaves not one block. */
  fill(): void {
    const file = openSync(this.#ballast, 'a', 0o600);
    try {
      for (const size of [block.length, 4096, 512, 1]) while (this.#write(file, size));
    } finally {
      closeSync(file);
    }
  }

  free(): void {
    rmSync(this.#ballast, {force: true});
  }

  #write(file: number, size: number): boolean {
    try {
      return writeSync(file, block, 0, size) === size;
    } catch {
      return false;
    }
  }
}
