import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {checkHost} from '../../../../agent/check.ts';
import {localFs} from '../../../../agent/host/local/fs.ts';
import {localHost} from '../../../../agent/host/local/host.ts';
import {native} from '../../../../agent/host/local/native.ts';
import {printable} from '../../../../agent/host/names.ts';
import {scratch} from '../../../helpers/faults/run.ts';
import {ruleOf} from '../../../helpers/rule.ts';

const bytes = Buffer.from([0x66, 0xff, 0xfe, 0x80]);
const decoded = 'f\udcff\udcfe\udc80';
const hostile = '\u001b]0;owned\u0007\u001b[2J\nroot:x:0:0\r\u202egpj.exe';

function makeTree(): {root: string; remove: () => void} {
  const {path: root, remove} = scratch();
  const directory = Buffer.concat([Buffer.from(`${root}/`), bytes]);
  mkdirSync(directory);
  writeFileSync(Buffer.concat([directory, Buffer.from('/'), bytes]), 'content');
  mkdirSync(join(root, hostile));
  writeFileSync(join(root, hostile, 'file'), 'content', {mode: 0o666});
  return {root, remove};
}

for (const [how, part] of [
  ['with', native],
  ['without', null],
] as const) {
  test(`names that are not UTF-8 are listed, walked and read, ${how} the native part`, async t => {
    const {root, remove} = makeTree();
    t.teardown(remove);
    const fs = localFs(root, part);
    const list = await fs.list('/');
    t.true(list.ok && list.value.names.includes(decoded));
    const file = await fs.readFile(`/${decoded}/${decoded}`);
    t.is(file.ok && file.value.bytes.toString(), 'content');
    t.true((await fs.lstat(`/${decoded}`)).ok);
    t.false((await fs.lstat('/f\udcff\udcfe\udc81')).ok);
    const paths: string[] = [];
    await fs.walk('/', {
      enter: () => true,
      visit: entry => {
        paths.push(entry.path());
        if (entry.type === 'file') t.true(entry.readStart(100).ok);
      },
      notSeen: (_, reason) => t.fail(reason),
      leftOut: () => t.fail(),
    });
    t.deepEqual(paths.sort(), [`/${decoded}`, `/${decoded}/${decoded}`, `/${hostile}`, `/${hostile}/file`].sort());
    t.is(printable(`/${decoded}`), '/f\\xff\\xfe\\x80');
  });
}

test('a hostile name is found as it is, and printed without one control character', async t => {
  const {root, remove} = makeTree();
  t.teardown(remove);
  const [finding] = await checkHost(localHost(root), [ruleOf('tree', {find: {name: 'file'}})]);
  t.is(finding?.subject, `/${hostile}/file`);
  const shown = printable(JSON.stringify(finding));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  t.notRegex(shown, /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/u);
  t.is(printable(finding?.subject ?? ''), '/\\x1b]0;owned\\x07\\x1b[2J\\x0aroot:x:0:0\\x0d\\u{202e}gpj.exe/file');
});
