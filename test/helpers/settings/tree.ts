import {spawnSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import type {ExecutionContext} from 'ava';

/** Writes files below a new folder that goes away with the test; a text that begins with `->` is a link. */
export function writeTree(t: ExecutionContext, files: {[path: string]: string}): string {
  const root = mkdtempSync(join(tmpdir(), 'reeve-tree-'));
  t.teardown(() => rmSync(root, {recursive: true, force: true}));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), {recursive: true});
    if (text.startsWith('->')) symlinkSync(text.slice(2), join(root, path));
    else writeFileSync(join(root, path), text);
  }
  return root;
}

/** What a program printed, or null when it is not installed: the test then says so. */
export function ask(
  t: ExecutionContext,
  argv: [string, ...string[]],
  environment: {[name: string]: string} = {},
): string | null {
  const env = {LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...environment};
  const {stdout, error} = spawnSync(argv[0], argv.slice(1), {encoding: 'utf8', env, timeout: 10_000});
  if (error === undefined) return stdout;
  t.log(
    `skipped: not compared, ${argv[0]} ${'code' in error && error.code === 'ENOENT' ? 'is not installed' : error.message}`,
  );
  t.pass();
  return null;
}
