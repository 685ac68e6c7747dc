import type {DirectFs} from '../direct.ts';
import {directFs} from './direct.ts';
import {native} from './native.ts';
import {Resolver} from './resolve.ts';

/** One look that the main process dares not do itself: what it asks may never answer. */
export type SlowRequest = {root: string; method: keyof DirectFs; args: unknown[]};

const hosts = new Map<string, DirectFs>();

// The program of the child process: answers one look after the other until the parent is gone.
process.on('message', ({root, method, args}: SlowRequest) => {
  const fs = hosts.get(root) ?? directFs(new Resolver(root, null), native);
  hosts.set(root, fs);
  const look = fs[method] as (...rest: unknown[]) => unknown;
  process.send?.(look(...args));
});
process.send?.('ready');
