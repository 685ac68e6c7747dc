import {chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {defaultConfig} from '../../../agent/config/schema.ts';
import {ReeveError} from '../../../agent/errors.ts';
import {localHost} from '../../../agent/host/local/host.ts';
import {loadSite} from '../../../agent/packs/load.ts';

const rule = `area: demo
rules:
  - id: demo.rule
    title: A rule of this site
    why: It shows that site packs load.
    severity: low
    check: {file: {path: /etc/passwd, exists: true}}
`;

/** A policy directory with one pack, as an administrator would lay it out. */
function site(t: {teardown: (undo: () => void) => void}, name = 'our-hosts'): {directory: string; pack: string} {
  const directory = mkdtempSync(join(tmpdir(), 'reeve-site-'));
  t.teardown(() => rmSync(directory, {recursive: true, force: true}));
  const pack = join(directory, name);
  mkdirSync(pack, {mode: 0o755});
  writeFileSync(join(pack, 'pack.yaml'), 'pack: our-hosts\nversion: 1.0.0\ntitle: Our hosts\n', {mode: 0o644});
  writeFileSync(join(pack, 'demo.yaml'), rule, {mode: 0o644});
  return {directory, pack};
}

const load = (directory: string, only: string[] = ['our-hosts']) =>
  loadSite(localHost('/'), {...defaultConfig, policies_dir: directory}, only);

async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'loaded';
  } catch (error) {
    if (!(error instanceof ReeveError)) throw error;
    return [error.message, ...error.problems.map(({message}) => message)].join(': ');
  }
}

test('loadSite() loads a pack of the site', async t => {
  const {directory} = site(t);
  t.deepEqual(
    (await load(directory)).packs.map(({name, rules}) => [name, rules.length]),
    [['our-hosts', 1]],
  );
});

test('loadSite() refuses a pack that others may write', async t => {
  const {directory, pack} = site(t);
  chmodSync(pack, 0o777);
  t.is(
    await refusal(load(directory)),
    `cannot load the pack "${pack}": mode is 0777, group and others must not write it (chmod go-w)`,
  );
});

test('loadSite() refuses a pack whose file others may write', async t => {
  const {directory, pack} = site(t);
  chmodSync(join(pack, 'demo.yaml'), 0o666);
  t.regex(await refusal(load(directory)), /demo\.yaml": mode is 0666/);
});

test('loadSite() refuses a pack that is called otherwise than its folder, or as one of ours', async t => {
  t.regex(
    await refusal(load(site(t, 'other').directory, ['other'])),
    /the pack is called "our-hosts" and its folder "other"/,
  );
  t.regex(await refusal(load(site(t, 'linux-baseline').directory, ['linux-baseline'])), /reeve ships one of that name/);
});

test('loadSite() refuses an unknown pack and names those that there are', async t => {
  t.regex(await refusal(load(site(t).directory, ['our-host'])), /there is no pack "our-host": known are .*our-hosts/);
});

test('loadSite() refuses a probe in an unsigned pack', async t => {
  const {directory, pack} = site(t);
  writeFileSync(
    join(pack, 'demo.yaml'),
    rule.replace(
      '{file: {path: /etc/passwd, exists: true}}',
      '{probe: {command: [/usr/bin/true], exit: [0]}}\n    none: unknown',
    ),
  );
  t.regex(await refusal(load(directory)), /a probe runs a command/);
});
