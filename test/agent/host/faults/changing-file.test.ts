import {spawn} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {localHost} from '../../../../agent/host/local/host.ts';
import {scratch} from '../../../helpers/faults/run.ts';

/** Runs a program's source in a process of its own until the test is over; resolves once the program is under way. */
function meanwhile(t: ExecutionContext, source: string, path: string): Promise<void> {
  const program = `process.stdout.write('x');\n${source}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, '--', path], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  return new Promise(resolve => child.stdout.once('data', () => resolve()));
}

const rewrite = `
  import {openSync, writeSync, ftruncateSync} from 'node:fs';
  const fd = openSync(process.argv[1], 'r+');
  const size = 4_000_000;
  for (let round = 0; ; round++) {
    ftruncateSync(fd, 0);
    writeSync(fd, Buffer.alloc(size + round % 7, 97 + round % 26), 0, size + round % 7, 0);
  }
`;

test('a file that is rewritten while it is read is changed, or whole', async t => {
  const {path: root, remove} = scratch();
  t.teardown(remove);
  const path = join(root, 'file');
  writeFileSync(path, Buffer.alloc(4_000_000, 97));
  await meanwhile(t, rewrite, path);
  const {fs} = localHost(root);
  const codes = new Map<string, number>();
  const until = performance.now() + 15_000;
  while (performance.now() < until && (codes.get('changed') ?? 0) < 5) {
    const file = await fs.readFile('/file', {maxBytes: 16_000_000});
    const code = file.ok ? 'ok' : file.code;
    codes.set(code, (codes.get(code) ?? 0) + 1);
    if (!file.ok) continue;
    t.is(file.value.bytes.length, file.value.stat.size);
    t.false(file.value.truncated);
  }
  t.true((codes.get('changed') ?? 0) > 0, `never seen to change: ${JSON.stringify([...codes])}`);
  t.deepEqual(
    [...codes.keys()].filter(code => code !== 'ok' && code !== 'changed'),
    [],
  );
});

test('a file that is replaced by rename is read whole, the old or the new one', async t => {
  const {path: root, remove} = scratch();
  t.teardown(remove);
  const path = join(root, 'file');
  writeFileSync(path, 'a'.repeat(100_000));
  await meanwhile(
    t,
    `import {writeFileSync, renameSync} from 'node:fs';
     for (let round = 0; ; round++) {
       writeFileSync(process.argv[1] + '.new', Buffer.alloc(100_000 + round % 7, 97 + round % 26));
       renameSync(process.argv[1] + '.new', process.argv[1]);
     }`,
    path,
  );
  const {fs} = localHost(root);
  for (let round = 0; round < 500; round++) {
    const file = await fs.readFile('/file');
    if (!file.ok) t.is(file.code, 'changed');
    else t.is(new Set(file.value.bytes).size, 1);
  }
});

test('a file that only grows is read at its end', async t => {
  const {path: root, remove} = scratch();
  t.teardown(remove);
  const path = join(root, 'log');
  writeFileSync(path, 'first line\n');
  await meanwhile(
    t,
    `import {appendFileSync} from 'node:fs';
     for (;;) appendFileSync(process.argv[1], 'line\\n');`,
    path,
  );
  const {fs} = localHost(root);
  for (let round = 0; round < 200; round++) {
    const file = await fs.readTail('/log', {maxBytes: 50});
    t.true(file.ok && file.value.bytes.length <= 50);
  }
});
