import {existsSync, renameSync, writeFileSync} from 'node:fs';

/** Debian's package `libfaketime`, one path an architecture. */
const libraries = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1',
];

/** A clock for the processes of one host that can jump while they run; their monotonic clock goes on as it is. */
export class Clock {
  readonly env: NodeJS.ProcessEnv;
  readonly #file: string;

  /** Null when libfaketime is not installed. */
  static make(file: string): Clock | null {
    const library = libraries.find(path => existsSync(path));
    return library === undefined ? null : new Clock(file, library);
  }

  private constructor(file: string, library: string) {
    this.#file = file;
    this.env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
    this.jump(0);
  }

  /** How many seconds ahead of the machine's clock it is from now on. */
  jump(seconds: number): void {
    const whole = Math.round(seconds);
    writeFileSync(`${this.#file}.new`, `${whole < 0 ? '' : '+'}${whole}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }
}
