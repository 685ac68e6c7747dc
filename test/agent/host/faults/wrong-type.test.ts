import {execFileSync} from 'node:child_process';
import {mkdirSync, symlinkSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import test from 'ava';
import {collectFacts} from '../../../../agent/host/facts/collect.ts';
import {localHost} from '../../../../agent/host/local/host.ts';
import {codeOf, reasonOf, scratch} from '../../../helpers/faults/run.ts';

const {path: root, remove} = scratch();
mkdirSync(join(root, 'etc/sysctl.d'), {recursive: true});
execFileSync('mkfifo', [join(root, 'fifo'), join(root, 'etc/sysctl.d/10-fifo.conf')]);
symlinkSync('fifo', join(root, 'link'));
symlinkSync('loop', join(root, 'loop'));
const socket = createServer();
test.before(() => new Promise<void>(resolve => socket.listen(join(root, 'socket'), resolve)));
test.after.always(() => {
  socket.close();
  remove();
});
const {fs} = localHost(root);

const quick = async <T>(look: Promise<T>): Promise<T> => {
  const started = performance.now();
  const result = await look;
  if (performance.now() - started > 1000) throw new Error('it took more than a second');
  return result;
};

for (const [path, type] of [
  ['/fifo', 'fifo'],
  ['/link', 'fifo'],
  ['/socket', 'socket'],
  ['/etc', 'directory'],
] as const) {
  test(`a ${type} at ${path} in place of a configuration file is not opened`, async t => {
    for (const look of [fs.readFile(path), fs.readTail(path, {maxBytes: 10}), fs.readChunks(path, () => t.fail())]) {
      const result = await quick(look as Promise<unknown>);
      t.is(codeOf(result), 'wrong-type');
      t.regex(reasonOf(result), new RegExp(`it is a ${type}, not a regular file`));
    }
  });
}

test('a device in place of a configuration file is not opened', async t => {
  const result = await quick(localHost('/').fs.readFile('/dev/zero'));
  t.is(codeOf(result), 'wrong-type');
});

test('a link that leads to itself is refused', async t => {
  for (const look of [fs.readFile('/loop'), fs.stat('/loop'), fs.list('/loop'), fs.realPath('/loop/x')])
    t.is(codeOf(await quick(look as Promise<unknown>)), 'link-loop');
  t.is(codeOf(await fs.lstat('/loop')), 'ok');
});

test('a FIFO among the sysctl files makes the persistent value unknown', async t => {
  writeFileSync(join(root, 'etc/sysctl.d/20-ok.conf'), 'kernel.sysrq = 0\n');
  const request = {fact: 'sysctl', key: 'kernel.sysrq'} as const;
  const {facts} = await quick(collectFacts(localHost(root), [request]));
  const answer = facts.get(request);
  t.true(answer.state === 'seen' && /10-fifo\.conf: it is a fifo/.test(answer.value.unreadable.join()));
});
