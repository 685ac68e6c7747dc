import {chmodSync, chownSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {readBundle, writeBundle} from '../../../agent/checker/bundle.ts';
import {defaultConfig} from '../../../agent/config/schema.ts';
import {localHost} from '../../../agent/host/local/host.ts';
import {loadSite} from '../../../agent/packs/load.ts';
import {cpuMs} from '../../helpers/cpu.ts';
import {ownFolder, packOf} from '../../helpers/demo-site.ts';
import {ruleOf} from '../../helpers/rule.ts';

const host = localHost('/');
const site = {
  config: defaultConfig,
  packs: [packOf([ruleOf('file', {path: '/etc/shadow', owner: 'root'})])],
  waivers: [],
  notes: ['a note'],
};

test('readBundle() gives back every shipped rule as it was loaded, in a small part of the time', async t => {
  const path = join(ownFolder(t), 'bundle.json');
  const before = process.cpuUsage();
  const {packs, waivers, notes} = await loadSite(host, {...defaultConfig, policies_dir: '/none'});
  const loadMs = cpuMs(before);
  const {digest} = writeBundle(path, '1.0.0', {config: defaultConfig, packs, waivers, notes});
  const half = process.cpuUsage();
  const read = await readBundle(host, path, '1.0.0');
  const reviveMs = cpuMs(half);
  t.deepEqual(read, {ok: true, site: {config: defaultConfig, packs, waivers, notes, digest}});
  t.true(reviveMs < loadMs / 3, `${reviveMs} ms to revive, ${loadMs} ms to load`);
});

test('writeBundle() leaves a file of mode 0600 and nothing else, and the same site has the same digest', t => {
  const folder = ownFolder(t);
  const path = join(folder, 'bundle.json');
  writeFileSync(path, 'old', {mode: 0o666});
  writeFileSync(`${path}.new`, 'left over from a crash', {mode: 0o666});
  const first = writeBundle(path, '1.0.0', site);
  t.is(statSync(path).mode & 0o7777, 0o600);
  t.throws(() => statSync(`${path}.new`), {code: 'ENOENT'});
  t.is(writeBundle(path, '1.0.1', site).digest, first.digest);
  t.not(writeBundle(path, '1.0.0', {...site, notes: []}).digest, first.digest);
});

for (const [what, change, wanted] of [
  ['that others may write', (path: string) => chmodSync(path, 0o622), /group and others must not write/],
  ['in a folder that others may write', (path: string) => chmodSync(join(path, '..'), 0o777), /its directory: mode/],
  ['of another version', (path: string) => writeBundle(path, '0.9.9', site), /reeve 0\.9\.9 wrote it/],
  ['of another format', (path: string) => edit(path, '"format":1', '"format":99'), /format 99/],
  ['that was changed', (path: string) => edit(path, '/etc/shadow', '/etc/passwd'), /does not have its digest/],
  ['that was cut short', (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 200)), /JSON/],
] as const)
  test(`readBundle() refuses a bundle ${what}`, async t => {
    const path = join(ownFolder(t), 'bundle.json');
    writeBundle(path, '1.0.0', site);
    t.true((await readBundle(host, path, '1.0.0')).ok);
    change(path);
    const read = await readBundle(host, path, '1.0.0');
    t.regex(read.ok ? '' : read.reason, wanted);
  });

test('readBundle() refuses a bundle of somebody else', async t => {
  if (process.geteuid?.() !== 0) return t.log('skipped: only root can give a file away') as never;
  const path = join(ownFolder(t), 'bundle.json');
  writeBundle(path, '1.0.0', site);
  chownSync(path, 12345, 12345);
  const read = await readBundle(host, path, '1.0.0');
  t.regex(read.ok ? '' : read.reason, /owner is uid 12345/);
});

function edit(path: string, from: string, to: string): void {
  writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
}
