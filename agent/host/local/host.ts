import {realpathSync} from 'node:fs';
import {machine, release, uptime} from 'node:os';
import {notRun, runCommand} from '../command.ts';
import type {Host} from '../host.ts';
import {localFs} from './fs.ts';

/** This machine, or with a root other than `/` an image or unpacked tree on it. Throws when the root is not there. */
export function localHost(root = '/'): Host {
  const real = realpathSync(root);
  const live = real === '/';
  return {
    fs: localFs(real),
    live,
    root: real,
    uid: process.geteuid?.() ?? -1,
    now: () => Date.now(),
    clock: () => performance.now(),
    uname: live ? {release: release(), machine: machine(), bootedMs: Date.now() - uptime() * 1000} : null,
    run: live
      ? runCommand
      : argv => Promise.resolve(notRun(argv, `cannot run ${argv[0]}: ${real} is an image, not the running machine`)),
  };
}
