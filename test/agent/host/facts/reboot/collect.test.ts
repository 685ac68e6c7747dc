import {gzipSync, zstdCompressSync} from 'node:zlib';
import test from 'ava';
import {collectReboot} from '../../../../../agent/host/facts/reboot/collect.ts';
import {HostTables} from '../../../../../agent/host/facts/tables.ts';
import type {Fixture} from '../../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../../agent/host/memory/host.ts';
import type {RebootFact} from '../../../../../policies/facts/patch.ts';

async function look(fixture: Fixture) {
  const host = memoryHost(fixture);
  const [answer] = await collectReboot([{}], {host, tables: new HostTables(host)});
  return answer;
}

async function fact(fixture: Fixture): Promise<RebootFact> {
  const answer = await look(fixture);
  if (answer?.state !== 'seen') throw new Error(JSON.stringify(answer));
  return answer.value;
}

const build = '#1 SMP PREEMPT_DYNAMIC Debian 6.1.159-1 (2025-12-30)';
const builder = '(debian-kernel@lists.debian.org)';
const compiler = '(gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40)';
const version = (release: string, text = build) => `Linux version ${release} ${builder} ${compiler} ${text}\n`;

/** The head of an x86 kernel image: x86/boot.rst. */
function image(release: string, text = build) {
  const bytes = Buffer.alloc(0x1000);
  bytes.write('HdrS', 0x202, 'latin1');
  bytes.writeUInt16LE(0x300, 0x20e);
  bytes.write(`${release} ${builder} ${text}`, 0x500, 'latin1');
  return {base64: bytes.toString('base64')};
}

const running = '6.1.0-42-amd64';
const debian = (files: NonNullable<Fixture['files']> = {}): Fixture => ({
  kernel: running,
  files: {'/proc/version': version(running), [`/boot/vmlinuz-${running}`]: image(running), ...files},
});

test('collectReboot() sees that the newest kernel runs, in the build that is installed', async t => {
  t.like(await fact(debian({'/boot/vmlinuz-6.1.0-9-amd64': image('6.1.0-9-amd64')})), {
    required: false,
    reasons: [],
    runningKernel: running,
    runningBuild: build,
    newestInstalledKernel: running,
    sameReleaseNewBuild: false,
    marker: null,
  });
});

test('collectReboot() sees a newer kernel, numbers compared as numbers', async t => {
  t.like(await fact(debian({'/boot/vmlinuz-6.1.0-100-amd64': image('6.1.0-100-amd64')})), {
    required: true,
    newestInstalledKernel: '6.1.0-100-amd64',
    reasons: ['kernel 6.1.0-100-amd64 is installed, 6.1.0-42-amd64 runs'],
  });
});

test('collectReboot() goes by the version in the image, not by the name of the file', async t => {
  const found = await fact(debian({'/boot/vmlinuz-6.1.0-1-amd64': image('6.1.0-50-amd64')}));
  t.is(found.newestInstalledKernel, '6.1.0-50-amd64');
  t.true(found.required);
});

test('collectReboot() sees that the running release was built anew', async t => {
  const newer = '#1 SMP PREEMPT_DYNAMIC Debian 6.1.162-1 (2026-02-01)';
  const found = await fact(debian({[`/boot/vmlinuz-${running}`]: image(running, newer)}));
  t.like(found, {required: true, sameReleaseNewBuild: true});
  t.deepEqual(found.reasons, [`kernel ${running} was built anew: ${newer} is installed, ${build} runs`]);
});

test('collectReboot() does not compare kernels of different flavours, nor rescue images', async t => {
  const others = {
    '/boot/vmlinuz-6.9.0-1-cloud-amd64': image('6.9.0-1-cloud-amd64'),
    '/boot/vmlinuz-0-rescue-abc': image('6.1.0-99-amd64'),
    '/boot/vmlinuz-6.1.0-99-amd64.bak': image('6.1.0-99-amd64'),
  };
  t.like(await fact(debian(others)), {required: false, newestInstalledKernel: running});
});

const unknown: Array<[title: string, fixture: Fixture, note: RegExp]> = [
  ['the running kernel is started from outside', {...debian(), kernel: '6.18.44-fc-v669'}, /started from outside/],
  [
    'no kernel is installed at all',
    {kernel: running, files: {'/proc/version': version(running)}},
    /started from outside/,
  ],
  [
    'the image may not be read',
    {...debian({[`/boot/vmlinuz-${running}`]: {...image(running), mode: '0600'}}), looker: 1000},
    /permission denied/,
  ],
  ['the image is damaged', debian({[`/boot/vmlinuz-${running}`]: 'damaged'}), /does not say which build/],
  [
    'the image points past its end',
    debian({
      [`/boot/vmlinuz-${running}`]: {
        base64: Buffer.concat([
          Buffer.alloc(0x202),
          Buffer.from('HdrS'),
          Buffer.alloc(8),
          Buffer.from([0xff, 0xff]),
          Buffer.alloc(64),
        ]).toString('base64'),
      },
    }),
    /does not say which build/,
  ],
  ['/boot may not be listed', {...debian({'/boot/': {mode: '0700'}}), looker: 1000}, /cannot list \/boot/],
  [
    'the running kernel was removed',
    debian({[`/boot/vmlinuz-${running}`]: null, '/boot/vmlinuz-6.1.0-9-amd64': image('6.1.0-9-amd64')}),
    /is not installed any more/,
  ],
];
for (const [title, fixture, note] of unknown) {
  test(`collectReboot() cannot tell where ${title}, though no flag file is there`, async t => {
    const found = await fact(fixture);
    t.is(found.required, null);
    t.true(
      found.notes.some(text => note.test(text)),
      found.notes.join('\n'),
    );
  });
}

test('collectReboot() takes a flag file as a reason, with the packages that wrote it', async t => {
  const found = await fact(
    debian({'/run/reboot-required': '', '/run/reboot-required.pkgs': 'libc6\nlibc6\nlinux-base\n'}),
  );
  t.true(found.required);
  t.deepEqual(found.marker, {path: '/run/reboot-required', packages: ['libc6', 'linux-base']});
  t.deepEqual(found.reasons, ['/run/reboot-required asks for it: libc6, linux-base']);
});

const banner = Buffer.from(
  `padding Linux version %s (%s)\0 Linux version 5.14.0-427.el9.aarch64 (mockbuild@a) (gcc) #1 SMP ${'x'.repeat(20)}\n\0`,
);
const zboot = (type: string, packed: Buffer) => {
  const head = Buffer.alloc(64);
  head.write('MZ', 0, 'latin1');
  head.write('zimg', 4, 'latin1');
  head.writeUInt32LE(64, 8);
  head.writeUInt32LE(packed.length, 12);
  head.write(type, 24, 'latin1');
  return Buffer.concat([head, packed, Buffer.alloc(100)]);
};
const images: Array<[title: string, bytes: Buffer]> = [
  ['plain', banner],
  ['gzipped', gzipSync(banner)],
  ['EFI zboot, gzip', zboot('gzip', gzipSync(banner))],
  ['EFI zboot, zstd', zboot('zstd', zstdCompressSync(banner))],
];
for (const [title, bytes] of images) {
  test(`collectReboot() finds the build in an image of another machine: ${title}`, async t => {
    const release = '5.14.0-427.el9.aarch64';
    const found = await fact({
      kernel: release,
      files: {
        '/proc/version': `Linux version ${release} (mockbuild@a) (gcc (GCC) 11.4.1, GNU ld) #1 SMP ${'x'.repeat(20)}\n`,
        [`/usr/lib/modules/${release}/vmlinuz`]: {base64: bytes.toString('base64')},
      },
    });
    t.like(found, {sameReleaseNewBuild: false, required: false});
  });
}

const rpmQuery = ['NAME', 'EPOCHNUM', 'VERSION', 'RELEASE', 'ARCH', 'SOURCERPM', 'INSTALLTIME', 'MODULARITYLABEL'];
const argv = [
  '/usr/bin/rpm',
  '-qa',
  '--nodigest',
  '--nosignature',
  '--qf',
  `${rpmQuery.map(tag => `%{${tag}}`).join('\\t')}\\n`,
];
const rhelRelease = '5.14.0-427.el9.x86_64';

/** A RHEL-like machine started at noon whose packages were installed at the given times. */
function rhel(installed: {[name: string]: string}, files: NonNullable<Fixture['files']> = {}): Fixture {
  const lines = Object.entries(installed).map(([name, time]) =>
    [name, 0, '2.34', '1.el9', 'x86_64', `${name}-2.34-1.el9.src.rpm`, Date.parse(time) / 1000, '(none)'].join('\t'),
  );
  return {
    kernel: rhelRelease,
    booted: '2026-11-21T12:00:00Z',
    now: '2026-11-21T18:00:00Z',
    commands: [{argv, stdout: `${lines.join('\n')}\n`}],
    files: {
      '/proc/version': `Linux version ${rhelRelease} (mockbuild@a) (gcc) #1 SMP\n`,
      [`/boot/vmlinuz-${rhelRelease}`]: image(rhelRelease, '#1 SMP'),
      '/var/lib/rpm/Packages': 'bdb',
      ...files,
    },
  };
}

test('collectReboot() asks for a restart when a core package was installed after the start, and not before', async t => {
  t.like(await fact(rhel({glibc: '2026-11-21T11:59:00Z', vim: '2026-11-21T13:00:00Z'})), {
    required: false,
    reasons: [],
  });
  t.like(await fact(rhel({glibc: '2026-11-21T12:01:00Z'})), {
    required: true,
    reasons: ['glibc 2.34-1.el9 was installed after the start'],
  });
});

test('collectReboot() heeds the packages that the administrator added to needs-restarting', async t => {
  const files = {'/etc/dnf/plugins/needs-restarting.d/own.conf': '# ours\nvim\n'};
  t.like(await fact(rhel({vim: '2026-11-21T13:00:00Z'}, files)), {required: true});
});

test('collectReboot() heeds an advisory that asks for a restart', async t => {
  const files = {
    '/etc/yum.repos.d/base.repo': '[base]\n',
    '/var/cache/dnf/base-0123456789abcdef/repodata/repomd.xml':
      '<repomd><data type="primary"><location href="repodata/primary.xml"/></data><data type="updateinfo"><location href="repodata/updateinfo.xml"/></data></repomd>',
    '/var/cache/dnf/base-0123456789abcdef/repodata/primary.xml': '<metadata></metadata>',
    '/var/cache/dnf/base-0123456789abcdef/repodata/updateinfo.xml':
      '<updates><update type="security"><id>RLSA-1</id><pkglist><collection><package name="vim" version="2.34" release="1.el9" epoch="0" arch="x86_64"><reboot_suggested>True</reboot_suggested></package></collection></pkglist></update></updates>',
  };
  t.like(await fact(rhel({vim: '2026-11-21T13:00:00Z'}, files)), {
    reasons: ['RLSA-1 asks for a restart, and vim 2.34-1.el9 was installed after the start'],
  });
  t.like(await fact(rhel({vim: '2026-11-21T11:00:00Z'}, files)), {required: false});
});

test('collectReboot() cannot tell where the rpm database cannot be read', async t => {
  t.like(await fact({...rhel({}), commands: []}), {required: null});
});

test('collectReboot() says which kernel the boot loader starts, and when it is not the newest', async t => {
  const entries = {
    '/boot/loader/entries/a-5.14.0-427.el9.x86_64.conf': `version ${rhelRelease}\nlinux /vmlinuz-${rhelRelease}\n`,
    '/boot/loader/entries/a-5.14.0-503.el9.x86_64.conf': 'version 5.14.0-503.el9.x86_64\n',
    '/boot/loader/entries/a-0-rescue.conf': 'version 0-rescue-abc\n',
    '/boot/vmlinuz-5.14.0-503.el9.x86_64': image('5.14.0-503.el9.x86_64', '#1 SMP'),
  };
  const saved = await fact(rhel({}, {...entries, '/boot/grub2/grubenv': `saved_entry=a-${rhelRelease}\n####`}));
  t.is(saved.bootDefault, rhelRelease);
  t.true(saved.notes.includes(`the boot loader starts ${rhelRelease} by default, not 5.14.0-503.el9.x86_64`));
  t.is((await fact(rhel({}, entries))).bootDefault, '5.14.0-503.el9.x86_64');
  const grub = 'set default="0"\nmenuentry \'Debian\' {\n  linux /boot/vmlinuz-6.1.0-42-amd64 root=/dev/sda1\n}\n';
  t.is((await fact(debian({'/boot/grub/grub.cfg': grub}))).bootDefault, running);
  t.is((await fact(debian({'/boot/grub/grub.cfg': grub.replace('"0"', `"$\{saved_entry}"`)}))).bootDefault, null);
});

test('collectReboot() notes the live patches that are on', async t => {
  const found = await fact(
    debian({'/sys/kernel/livepatch/kpatch_1/enabled': '1\n', '/sys/kernel/livepatch/kpatch_0/enabled': '0\n'}),
  );
  t.deepEqual(found.livePatches, ['kpatch_1']);
});

test('collectReboot() is absent in a container and live-only for an image', async t => {
  t.is((await look({...debian(), files: {'/.dockerenv': ''}}))?.state, 'absent');
  t.is((await look({...debian(), as: 'image'}))?.state, 'live-only');
});
