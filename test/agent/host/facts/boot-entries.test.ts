import test from 'ava';
import {splitKernelArguments} from '../../../../agent/host/facts/boot/words.ts';
import {readBootEntries} from '../../../../agent/host/facts/boot-entries.ts';
import type {Fixture} from '../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../agent/host/memory/host.ts';
import type {BootEntry} from '../../../../policies/facts/boot.ts';

const read = (files: NonNullable<Fixture['files']>, looker = 0) => readBootEntries(memoryHost({looker, files}));

async function entriesOf(files: NonNullable<Fixture['files']>): Promise<BootEntry[]> {
  const answer = await read(files);
  if (answer.state !== 'seen') throw new Error(answer.reason);
  return answer.value.entries as BootEntry[];
}

const debianConfig = `### BEGIN /etc/grub.d/10_linux ###
function gfxmode { set gfxpayload="\${1}"; }
if [ "\${vt}" = 1 ]; then
  set vt_handoff=vt.handoff=7
fi
menuentry 'Debian GNU/Linux' --class debian {
\tlinux\t/boot/vmlinuz-6.1.0-42-amd64 root=UUID=1 ro  quiet apparmor=1 $vt_handoff
\tinitrd\t/boot/initrd.img-6.1.0-42-amd64
}
submenu 'Advanced options' {
\tmenuentry 'Debian GNU/Linux, with Linux 6.1.0-42-amd64 (recovery mode)' {
\t\tlinux\t/boot/vmlinuz-6.1.0-42-amd64 root=UUID=1 ro single
\t}
}
menuentry "Memory test" {
\tlinux16 /boot/memtest86+.bin console=ttyS0
}
`;

test('readBootEntries() reads the kernels of grub.cfg, their variables filled in, and tells recovery apart', async t => {
  const entries = await entriesOf({'/boot/grub/grub.cfg': debianConfig});
  t.deepEqual(entries, [
    {
      title: 'Debian GNU/Linux',
      arguments: ['root=UUID=1', 'ro', 'quiet', 'apparmor=1', 'vt.handoff=7'],
      recovery: false,
      where: '/boot/grub/grub.cfg:7',
    },
    {
      title: 'Debian GNU/Linux, with Linux 6.1.0-42-amd64 (recovery mode)',
      arguments: ['root=UUID=1', 'ro', 'single'],
      recovery: true,
      where: '/boot/grub/grub.cfg:12',
    },
  ]);
});

test('readBootEntries() says where to edit: the last GRUB_CMDLINE_LINUX, and update-grub', async t => {
  const answer = await read({
    '/boot/grub/grub.cfg': debianConfig,
    '/etc/default/grub': '# comment\nGRUB_CMDLINE_LINUX=""\n',
    '/etc/default/grub.d/audit.cfg': 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX audit=1"\n',
    '/usr/sbin/update-grub': '',
  });
  t.deepEqual(answer.state === 'seen' && answer.value.edit, {
    by: 'grub',
    where: '/etc/default/grub.d/audit.cfg:1',
    apply: 'update-grub',
  });
});

test('readBootEntries() reads BLS entries with kernelopts from the GRUB environment', async t => {
  const answer = await read({
    '/boot/grub2/grub.cfg': 'set kernelopts="root=fallback"\nblscfg\n',
    '/boot/grub2/grubenv':
      '# GRUB Environment Block\nsaved_entry=x\nkernelopts=root=/dev/mapper/rhel-root ro audit=1 \n####',
    '/boot/loader/entries/abc-4.18.conf':
      'title Red Hat\nversion 4.18\nlinux /vmlinuz-4.18\noptions $kernelopts $tuned_params\n',
    '/boot/loader/entries/abc-5.14.conf':
      'title Red Hat 9\nlinux /vmlinuz-5.14\noptions root=/dev/sda ro\noptions enforcing=0\n',
  });
  if (answer.state !== 'seen') return t.fail(answer.reason);
  t.deepEqual(answer.value.entries, [
    {
      title: 'Red Hat',
      arguments: ['root=/dev/mapper/rhel-root', 'ro', 'audit=1'],
      recovery: false,
      where: '/boot/loader/entries/abc-4.18.conf:4',
    },
    {
      title: 'Red Hat 9',
      arguments: ['root=/dev/sda', 'ro', 'enforcing=0'],
      recovery: false,
      where: '/boot/loader/entries/abc-5.14.conf:3',
    },
  ]);
  t.deepEqual(answer.value.edit, {by: 'grubby'});
});

test('readBootEntries() leaves BLS entries alone that GRUB does not read', async t => {
  const entries = await entriesOf({
    '/boot/grub/grub.cfg': debianConfig,
    '/boot/loader/entries/old.conf': 'linux /vmlinuz\noptions selinux=0\n',
  });
  t.true(entries.every(({where}) => where.startsWith('/boot/grub/')));
});

test('readBootEntries() takes systemd-boot entries and /etc/kernel/cmdline', async t => {
  const answer = await read({
    '/boot/efi/loader/entries/debian.conf': 'title Debian\nlinux /debian/linux\noptions quiet\n',
    '/etc/kernel/cmdline': 'quiet\n',
  });
  if (answer.state !== 'seen') return t.fail(answer.reason);
  t.deepEqual(answer.value.edit, {by: 'kernel-install', where: '/etc/kernel/cmdline', apply: 'kernel-install add-all'});
});

test('readBootEntries() cannot tell the arguments of a unified kernel image', async t => {
  const answer = await read({'/efi/EFI/Linux/debian.efi': 'MZ'});
  if (answer.state !== 'seen') return t.fail(answer.reason);
  t.true('unseen' in (answer.value.entries[0] as object));
});

test('readBootEntries() is unseen for who may not read grub.cfg, and absent where there is none', async t => {
  t.is((await read({'/boot/grub/grub.cfg': {content: debianConfig, mode: '0600'}}, 1000)).state, 'unseen');
  t.is((await read({'/boot/': {}})).state, 'absent');
});

test('readBootEntries() is unseen when grub.cfg is larger than any that a loader reads', async t => {
  t.is((await read({'/boot/grub/grub.cfg': debianConfig + '#'.repeat(1024 * 1024)})).state, 'unseen');
});

const lines: Array<[text: string, words: string[]]> = [
  ['ro quiet\n', ['ro', 'quiet']],
  ['dyndbg="file a.c +p" ro', ['dyndbg=file a.c +p', 'ro']],
  ['ro -- single', ['ro']],
  ['"unclosed value', ['unclosed value']],
  ['', []],
];
for (const [text, words] of lines) {
  test(`splitKernelArguments() of ${JSON.stringify(text)}`, t => t.deepEqual(splitKernelArguments(text), words));
}
