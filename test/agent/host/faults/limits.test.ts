import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import type {HostFs} from '../../../../agent/host/host.ts';
import {localFs} from '../../../../agent/host/local/fs.ts';
import {memoryHost} from '../../../../agent/host/memory/host.ts';
import type {WalkLimits} from '../../../../agent/host/walk.ts';
import {scratch} from '../../../helpers/faults/run.ts';

async function walk(fs: HostFs, limits: WalkLimits) {
  const notSeen: string[] = [];
  const {entries} = await fs.walk(
    '/',
    {
      enter: () => true,
      visit: () => {},
      notSeen: (_, reason) => notSeen.push(reason),
      leftOut: () => {},
    },
    limits,
  );
  return {entries, notSeen};
}

const files = Array.from({length: 30}, (_, index) => `/${index % 3}/${index}`);

test('a walk that has passed as many entries as it may names what it did not see', async t => {
  const {path: root, remove} = scratch();
  t.teardown(remove);
  for (const file of files) {
    mkdirSync(join(root, file, '..'), {recursive: true});
    writeFileSync(join(root, file), '');
  }
  for (const fs of [
    localFs(root),
    memoryHost({as: 'image', files: Object.fromEntries(files.map(file => [file, '']))}).fs,
  ]) {
    const {entries, notSeen} = await walk(fs, {maxEntries: 10});
    t.is(entries, 10);
    t.true(notSeen.length > 0);
    for (const reason of notSeen) t.regex(reason, /^cannot walk .* \/.*: the walk ended after 10 entries$/);
    t.deepEqual(await walk(fs, {maxEntries: 34}), {entries: 33, notSeen: []});
  }
});

test('a walk that has taken as long as it may names what it did not see', async t => {
  const {entries, notSeen} = await walk(localFs('/'), {maxMs: 20});
  t.true(entries > 0);
  t.regex(notSeen.join('\n'), /cannot walk .*: the walk ended after 0.02 s/);
});

test('a file longer than wanted is cut there, whatever it says of its size', async t => {
  const {path: root, remove} = scratch();
  t.teardown(remove);
  writeFileSync(join(root, 'file'), 'x'.repeat(5000));
  const exact = await localFs(root).readFile('/file', {maxBytes: 5000});
  t.true(exact.ok && !exact.value.truncated && exact.value.bytes.length === 5000);
  const cut = await localFs(root).readFile('/file', {maxBytes: 4999});
  t.true(cut.ok && cut.value.truncated && cut.value.bytes.length === 4999);
  const endless = await localFs('/').readFile('/proc/self/mountinfo', {maxBytes: 10});
  t.true(endless.ok && endless.value.truncated && endless.value.bytes.length === 10);
});
