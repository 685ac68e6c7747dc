import test from 'ava';
import {parseModprobe} from '../../../../../agent/host/facts/kernel/modprobe.ts';
import {collectKernelModule} from '../../../../../agent/host/facts/kernel/modules.ts';
import {HostTables} from '../../../../../agent/host/facts/tables.ts';
import type {Fixture} from '../../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../../agent/host/memory/host.ts';
import type {KernelModuleFact} from '../../../../../policies/facts/kernel.ts';

const running = '/lib/modules/6.1.0-42-amd64';
const files: NonNullable<Fixture['files']> = {
  '/proc/modules': 'usb_storage 81920 0 - Live 0x0\nsnd 1 0 - Live 0x0\n',
  [`${running}/modules.dep`]:
    'kernel/fs/cramfs/cramfs.ko.xz:\nkernel/drivers/usb/storage/usb-storage.ko: kernel/x.ko\n',
  [`${running}/modules.builtin`]: 'kernel/fs/ext4/ext4.ko\n',
  '/lib/modules/6.1.0-40-amd64/modules.dep': 'kernel/fs/cramfs/cramfs.ko.zst:\n/srv/own/dccp.ko.gz:\n',
  '/lib/modules/6.1.0-40-amd64/modules.builtin': 'kernel/net/dccp.ko\n',
};

async function look(module: string, fixture: Fixture) {
  const host = memoryHost(fixture);
  const [answer] = await collectKernelModule([{module}], {host, tables: new HostTables(host)});
  if (answer === undefined) throw new Error('no answer');
  return answer;
}

async function seenOf(
  module: string,
  more: NonNullable<Fixture['files']> = {},
  fixture: Fixture = {},
): Promise<KernelModuleFact> {
  const answer = await look(module, {...fixture, files: {...files, ...more}});
  if (answer.state !== 'seen') throw new Error(JSON.stringify(answer));
  return answer.value;
}

test('collectKernelModule() finds compressed files of every installed kernel', async t => {
  t.like(await seenOf('cramfs'), {
    loaded: false,
    builtin: false,
    files: ['/lib/modules/6.1.0-40-amd64/kernel/fs/cramfs/cramfs.ko.zst', `${running}/kernel/fs/cramfs/cramfs.ko.xz`],
    install: null,
    blacklist: null,
  });
  t.deepEqual((await seenOf('dccp')).files, ['/srv/own/dccp.ko.gz']);
});

test('collectKernelModule() takes - and _ for the same', async t => {
  for (const name of ['usb-storage', 'usb_storage']) {
    const fact = await seenOf(name, {
      '/etc/modprobe.d/x.conf': 'blacklist usb-storage\ninstall usb_storage /bin/false\n',
    });
    t.like(fact, {
      loaded: true,
      files: {length: 1},
      install: {command: '/bin/false', where: '/etc/modprobe.d/x.conf:2'},
      blacklist: {where: '/etc/modprobe.d/x.conf:1'},
    });
  }
});

test('collectKernelModule() takes modules.builtin of the running kernel, of an image of any', async t => {
  t.true((await seenOf('ext4')).builtin);
  t.false((await seenOf('dccp')).builtin);
  t.like(await seenOf('dccp', {}, {as: 'image'}), {builtin: true, loaded: null});
});

test('collectKernelModule() takes the first install line, in the order of file names, earlier directories hiding later ones', async t => {
  const fact = await seenOf('cramfs', {
    '/etc/modprobe.d/b.conf': 'install cramfs /bin/true\n',
    '/usr/lib/modprobe.d/a.conf': '# install cramfs /x\ninstall cram* /bin/false # no comment\n',
    '/lib/modprobe.d/b.conf': 'blacklist cramfs\n',
    '/etc/modprobe.d/README': 'blacklist cramfs\n',
  });
  t.deepEqual(fact.install, {command: '/bin/false # no comment', where: '/usr/lib/modprobe.d/a.conf:2'});
  t.is(fact.blacklist, null);
});

test('collectKernelModule() knows the blacklists of the kernel command line', async t => {
  const fact = await seenOf('cramfs', {'/proc/cmdline': 'ro module_blacklist=a,cramfs modprobe.blacklist=b\n'});
  t.like(fact, {install: {command: '/bin/false', where: '/proc/cmdline'}, blacklist: {where: '/proc/cmdline'}});
});

test('parseModprobe() joins lines that end in a backslash', t => {
  t.deepEqual(parseModprobe('x', 'options a \\\n  b=1\ninstall c \\\n  /bin/false\n'), [
    {what: 'install', module: 'c', command: '/bin/false', where: 'x:3'},
  ]);
});

const unseen: Array<[what: string, more: NonNullable<Fixture['files']>]> = [
  ['a list of loaded modules that may not be read', {'/proc/modules': {read_error: 'EACCES'}}],
  ['a modprobe.d file that may not be read', {'/etc/modprobe.d/x.conf': {read_error: 'EACCES'}}],
  ['modules without modules.dep', {[`${running}/modules.dep`]: null, [`${running}/kernel/`]: {}}],
  ['a modules.dep that may not be read', {[`${running}/modules.dep`]: {read_error: 'EIO'}}],
];
for (const [what, more] of unseen) {
  test(`collectKernelModule() is unseen for ${what}`, async t => {
    const merged = Object.fromEntries(Object.entries({...files, ...more}).filter(([, value]) => value !== null));
    t.is((await look('cramfs', {files: merged})).state, 'unseen');
  });
}

test('collectKernelModule() is certain where there are no modules at all', async t => {
  const answer = await look('cramfs', {files: {'/proc/cmdline': 'ro\n'}});
  t.like(answer, {state: 'seen', value: {loaded: false, builtin: false, files: []}});
});
