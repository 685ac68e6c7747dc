import {execFileSync} from 'node:child_process';
import {chmodSync, closeSync, constants, existsSync, lstatSync, openSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {nativePath} from '../../../../agent/home.ts';
import {localFs} from '../../../../agent/host/local/fs.ts';
import {field, fieldCount, type Native, native} from '../../../../agent/host/local/native.ts';
import {O_PATH} from '../../../../agent/host/local/resolve.ts';
import {codeOf, isRoot, reasonOf, scratch} from '../../../helpers/faults/run.ts';

const built = native as Native;

test('the native part is built', t => {
  t.true(existsSync(nativePath), `run make -C agent/native to build ${nativePath}`);
  t.not(native, null);
});

test('glance() says what lstat(2) says, of names and of descriptors', t => {
  const directory = openSync('/etc', O_PATH | constants.O_DIRECTORY);
  t.teardown(() => closeSync(directory));
  for (const [name, path] of [
    ['passwd', '/etc/passwd'],
    ['mtab', '/etc/mtab'],
    ['', '/etc'],
  ] as const) {
    const fields = new Float64Array(fieldCount);
    t.is(built.glance(directory, name, fields), 0);
    const stats = lstatSync(path);
    const {mode, uid, gid, nlink, size, dev, ino, mtimeMs, ctimeMs} = stats;
    const expected = [mode, uid, gid, nlink, size, dev, ino, mtimeMs, ctimeMs];
    t.deepEqual([...fields].slice(0, expected.length), expected);
    t.true((fields[field.mount] as number) >= 0);
  }
});

test('glance() gives negative error numbers', t => {
  const fields = new Float64Array(fieldCount);
  const directory = openSync('/etc', O_PATH | constants.O_DIRECTORY);
  t.teardown(() => closeSync(directory));
  t.is(built.glance(directory, 'no such entry', fields), -2);
  t.is(built.glance(100_000, 'passwd', fields), -9);
  t.is(built.glance(directory, 'x'.repeat(256), fields), -36);
});

const wrong: Array<[what: string, call: () => unknown]> = [
  ['no arguments', () => (built.glance as unknown as () => void)()],
  ['a negative descriptor', () => built.glance(-1, 'x', new Float64Array(fieldCount))],
  ['a path', () => built.glance(0, 'a/b', new Float64Array(fieldCount))],
  ['a NUL', () => built.glance(0, 'a\0b', new Float64Array(fieldCount))],
  ['a name over PATH_MAX', () => built.glance(0, 'x'.repeat(5000), new Float64Array(fieldCount))],
  ['a short array', () => built.glance(0, 'x', new Float64Array(fieldCount - 1))],
  ['another array', () => built.glance(0, 'x', new Float32Array(64) as never)],
  ['an attribute without a name', () => built.readAttribute(0, '')],
  ['a descriptor that is text', () => built.readAttribute('0' as never, 'user.x')],
];
for (const [what, call] of wrong) {
  test(`the native part refuses ${what}`, t => {
    t.throws(call, {instanceOf: TypeError});
  });
}

const hasTool = (path: string) => existsSync(path);

test('readXattr() reads an ACL as setfacl(1) wrote it, and null where there is none', async t => {
  const {path: root, remove} = scratch();
  t.teardown(remove);
  writeFileSync(join(root, 'file'), '');
  symlinkSync('file', join(root, 'link'));
  const fs = localFs(root);
  t.deepEqual(await fs.readXattr('/file', 'system.posix_acl_access'), {ok: true, value: null});
  if (!hasTool('/usr/bin/setfacl')) {
    t.log('skipped: setfacl(1) is not installed (Debian package acl), so no ACL was read');
    return;
  }
  execFileSync('setfacl', ['-m', 'u:65534:rw', join(root, 'file')]);
  const look = await fs.readXattr('/file', 'system.posix_acl_access');
  // acl_ea_header of linux/posix_acl_xattr.h: version 2, then 8 bytes an entry.
  t.true(look.ok && look.value?.readUInt32LE(0) === 2 && look.value.length === 4 + 5 * 8);
  t.deepEqual(await fs.readXattr('/link', 'system.posix_acl_access'), {ok: true, value: null});
  t.is(codeOf(await fs.readXattr('/nope', 'system.posix_acl_access')), 'absent');
});

test('readXattr() reads capabilities as setcap(8) wrote them', async t => {
  if (!isRoot || !hasTool('/usr/sbin/setcap')) {
    t.log('skipped: it takes root and setcap(8), Debian package libcap2-bin');
    return t.pass();
  }
  const {path: root, remove} = scratch();
  t.teardown(remove);
  writeFileSync(join(root, 'file'), '');
  chmodSync(join(root, 'file'), 0o755);
  execFileSync('/usr/sbin/setcap', ['cap_net_raw=ep', join(root, 'file')]);
  const look = await localFs(root).readXattr('/file', 'security.capability');
  t.is(look.ok && look.value?.toString('hex'), '0100000200200000000000000000000000000000');
});

test('without the native part attributes are unsupported, and the reason says how to get it', async t => {
  const look = await localFs('/', null).readXattr('/etc/passwd', 'security.capability');
  t.is(codeOf(look), 'unsupported');
  t.regex(reasonOf(look), /native part is not built, install a C compiler and run make -C agent\/native/);
});
