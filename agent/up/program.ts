import {spawnSync} from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import {ReeveError} from '../errors.ts';
import {built} from '../home.ts';
import {dropTo} from '../host/command.ts';
import type {Account, Accounts} from './accounts.ts';
import {type UpFolders, unusable} from './state.ts';

/** Where link and controller find the program: `home`, or a copy in the state when their accounts cannot reach that. */
export function programFor(
  {home, node, state}: {home: string; node: string; state: UpFolders},
  accounts: Accounts,
  say: (text: string) => void,
): string {
  const all = [accounts.link, accounts.controller];
  if (!all.every(account => may(account, '-x', state.root)))
    throw unusable(
      state.root,
      'the accounts of link and controller cannot reach it: choose a folder that others may pass through with --state',
    );
  if (all.every(account => may(account, '-r', `${home}bin/reeve`) && may(account, '-x', node))) return home;
  const copy = state.program;
  const main = `${home}build/main.mjs`;
  if (!built)
    throw new ReeveError(
      'REEVE_UP_FAILED',
      `cannot start link and controller: their accounts may not read ${home}, and what is built there is missing or older than the sources: npm run build makes it`,
    );
  const of = [main, node].map(path => `${path} ${statSync(path).mtimeMs}`).join('\n');
  if (!existsSync(`${copy}/of`) || readFileSync(`${copy}/of`, 'utf8') !== of) {
    say(`copying the program to ${copy}: the accounts of link and controller may not read ${home}`);
    copyProgram(home, node, copy, of);
  }
  return `${copy}/`;
}

function may(account: Account, how: '-r' | '-x', path: string): boolean {
  const [program, ...words] = dropTo(account);
  return spawnSync(program as string, [...words, '/usr/bin/test', how, path]).status === 0;
}

function copyProgram(home: string, node: string, copy: string, of: string): void {
  const fresh = `${copy}.new`;
  rmSync(fresh, {recursive: true, force: true});
  const nodeFolder = `${fresh}/${node.slice(home.length).replace(/\/[^/]+$/, '')}`;
  for (const folder of [fresh, `${fresh}/bin`, nodeFolder]) mkdirSync(folder, {recursive: true});
  cpSync(`${home}build`, `${fresh}/build`, {recursive: true});
  for (const file of ['bin/reeve', 'package.json']) copyFileSync(`${home}${file}`, `${fresh}/${file}`);
  copyFileSync(node, `${nodeFolder}/node`);
  spawnSync('/usr/bin/chmod', ['-R', 'u=rwX,go=rX', fresh]);
  chmodSync(`${nodeFolder}/node`, 0o755);
  writeFileSync(`${fresh}/of`, of, {mode: 0o644});
  rmSync(copy, {recursive: true, force: true});
  renameSync(fresh, copy);
}
