import {readFileSync} from 'node:fs';
import test from 'ava';
import {checkHost} from '../../../agent/check.ts';
import {localHost} from '../../../agent/host/local/host.ts';
import type {Fixture} from '../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../agent/host/memory/host.ts';
import type {Finding} from '../../../policies/finding.ts';
import {kernelKind} from '../../../policies/kinds/kernel.ts';
import {ruleOf} from '../../helpers/rule.ts';

const flaws = '/sys/devices/system/cpu/vulnerabilities';
const dep = '/lib/modules/6.1.0-42-amd64/modules.dep';
const files: NonNullable<Fixture['files']> = {
  '/proc/self/mountinfo': '30 20 0:7 / /sys/kernel/security rw - securityfs securityfs rw\n',
  '/proc/cmdline': 'root=/dev/vda1 ro audit=1\n',
  '/proc/modules': 'snd 1 0 - Live 0x0\n',
  '/proc/sys/kernel/tainted': '0\n',
  '/sys/kernel/security/lsm': 'lockdown,capability,yama,apparmor\n',
  '/sys/kernel/security/lockdown': 'none [integrity] confidentiality\n',
  [`${flaws}/meltdown`]: 'Mitigation: PTI\n',
  [`${flaws}/mds`]: 'Mitigation: Clear CPU buffers; SMT vulnerable\n',
  [`${flaws}/l1tf`]: 'Not affected\n',
  [dep]: 'kernel/fs/cramfs/cramfs.ko:\n',
  '/boot/grub/grub.cfg':
    "menuentry 'Linux' {\n linux /vmlinuz ro audit=1\n}\nmenuentry 'Linux (recovery mode)' {\n linux /vmlinuz ro single\n}\n",
};

async function judge(check: object, fixture: Fixture = {}, turned: object = check): Promise<Finding[]> {
  const merged = Object.fromEntries(Object.entries({...files, ...fixture.files}).filter(([, value]) => value !== null));
  const rule = ruleOf('kernel', check, 'vulnerabilities' in check || 'lockdown' in check ? 'not-applicable' : null);
  return checkHost(memoryHost({...fixture, files: merged}), [
    {...rule, check: {kind: kernelKind, check: turned as never}},
  ]);
}

const off = {'/etc/modprobe.d/x.conf': 'install cramfs /usr/bin/false\nblacklist cramfs\n'};
const both = {of: ['runtime', 'persistent']};
const rows: Array<[title: string, check: object, fixture: Fixture, verdict: Finding['verdict'], like?: object]> = [
  [
    'a module that is turned off',
    {module: 'cramfs', loaded: false, loadable: false},
    {files: off},
    'pass',
    {scope: 'effective'},
  ],
  [
    'a module that is not there',
    {module: 'freevxfs', loadable: false},
    {},
    'pass',
    {actual: {loadable: 'no file in /lib/modules'}},
  ],
  [
    'a module that is blacklisted only',
    {module: 'cramfs', loadable: false},
    {files: {'/etc/modprobe.d/x.conf': 'blacklist cramfs\n'}},
    'fail',
    {
      actual: {loadable: '/lib/modules/6.1.0-42-amd64/kernel/fs/cramfs/cramfs.ko: no install line, blacklisted'},
      cure: "printf 'install cramfs /bin/false\\nblacklist cramfs\\n' > /etc/modprobe.d/cramfs.conf",
    },
  ],
  [
    'an install line that does load',
    {module: 'cramfs', loadable: false},
    {files: {'/etc/modprobe.d/x.conf': 'install cramfs /sbin/modprobe -i cramfs\nblacklist cramfs\n'}},
    'fail',
  ],
  ['a module that is loaded', {module: 'snd', loaded: false}, {}, 'fail', {cure: 'modprobe -r snd'}],
  [
    'a module that is built in',
    {module: 'cramfs', loaded: false},
    {files: {'/lib/modules/6.1.0-42-amd64/modules.builtin': 'kernel/cramfs.ko\n'}},
    'fail',
    {actual: {loaded: 'built into the kernel'}},
  ],
  [
    'a module of an image',
    {module: 'cramfs', loaded: false, loadable: false},
    {as: 'image', files: off},
    'pass',
    {scope: 'persistent'},
  ],
  ['a loaded module of an image', {module: 'cramfs', loaded: false}, {as: 'image'}, 'not-applicable'],
  ['a running argument', {cmdline: {has: ['audit=1']}}, {}, 'pass', {scope: 'runtime', where: ['/proc/cmdline']}],
  [
    'a running argument that is missing',
    {cmdline: {has: ['init_on_alloc=1']}},
    {},
    'fail',
    {actual: {running: 'without init_on_alloc=1'}},
  ],
  [
    'a running argument with another value',
    {cmdline: {has: ['audit=1']}},
    {files: {'/proc/cmdline': 'audit=1 audit=0\n'}},
    'fail',
    {actual: {running: 'without audit=1 (audit=0)'}},
  ],
  [
    'an argument now and at the next boot',
    {cmdline: {has: ['audit=1'], lacks: ['mitigations=off'], ...both}},
    {},
    'pass',
    {scope: 'effective', where: ['/proc/cmdline', '/boot/grub/grub.cfg:2']},
  ],
  ['`of` beside cmdline', {cmdline: {has: ['audit=1']}, ...both}, {}, 'pass', {scope: 'effective'}],
  [
    'an argument that the next boot lacks',
    {cmdline: {has: ['audit=1'], ...both}},
    {
      files: {
        '/boot/grub/grub.cfg': "menuentry 'L' {\n linux /vmlinuz ro\n}\n",
        '/etc/default/grub': 'GRUB_CMDLINE_LINUX=""\n',
        '/usr/sbin/update-grub': '',
      },
    },
    'fail',
    {
      wrong: ['at next boot'],
      cure: 'in GRUB_CMDLINE_LINUX of /etc/default/grub:1 add audit=1; update-grub; then reboot',
    },
  ],
  [
    'one boot entry of several that is wrong',
    {cmdline: {lacks: ['selinux=0'], of: ['persistent']}},
    {files: {'/boot/grub/grub.cfg': 'linux /vmlinuz-2 ro\nlinux /vmlinuz-1 ro selinux=0\n'}},
    'fail',
    {where: ['/boot/grub/grub.cfg:2']},
  ],
  [
    'a boot loader that only root sees',
    {cmdline: {has: ['audit=1'], ...both}},
    {looker: 1000, files: {'/boot/grub/grub.cfg': {mode: '0600', content: 'linux /vmlinuz\n'}}},
    'unknown',
  ],
  ['no boot loader', {cmdline: {has: ['audit=1'], ...both}}, {files: {'/boot/grub/grub.cfg': null}}, 'unknown'],
  [
    'no boot loader, and wrong as it runs',
    {cmdline: {has: ['quiet'], ...both}},
    {files: {'/boot/grub/grub.cfg': null}},
    'fail',
    {scope: 'runtime'},
  ],
  ['boot entries of an image', {cmdline: {has: ['audit=1'], ...both}}, {as: 'image'}, 'pass', {scope: 'persistent'}],
  ['the running arguments of an image', {cmdline: {has: ['audit=1']}}, {as: 'image'}, 'not-applicable'],
  ['LSMs', {lsm: ['yama', 'lockdown']}, {}, 'pass'],
  [
    'a missing LSM',
    {lsm: ['bpf']},
    {},
    'fail',
    {cure: 'add bpf to the kernel argument lsm=lockdown,capability,yama,apparmor,bpf, then reboot'},
  ],
  ['LSMs without securityfs', {lsm: ['yama']}, {files: {'/proc/self/mountinfo': ''}}, 'unknown'],
  ['lockdown', {lockdown: ['integrity', 'confidentiality']}, {}, 'pass', {actual: {mode: 'integrity'}}],
  ['too little lockdown', {lockdown: ['confidentiality']}, {}, 'fail'],
  [
    'a kernel without lockdown',
    {lockdown: ['integrity']},
    {files: {'/sys/kernel/security/lockdown': null}},
    'not-applicable',
  ],
  ['CPU flaws', {vulnerabilities: 'mitigated'}, {}, 'pass', {actual: {vulnerable: 'none'}}],
  [
    'an open CPU flaw',
    {vulnerabilities: 'mitigated'},
    {files: {[`${flaws}/mds`]: 'Vulnerable: Clear CPU buffers attempted, no microcode\n'}},
    'fail',
    {subject: 'mds', where: [`${flaws}/mds`]},
  ],
  [
    'half a mitigation',
    {vulnerabilities: 'mitigated'},
    {files: {[`${flaws}/spectre_v2`]: 'Mitigation: Retpolines; PBRSB-eIBRS: Vulnerable\n'}},
    'fail',
  ],
  [
    'an open CPU flaw that is excepted',
    {vulnerabilities: 'mitigated', except: ['mds']},
    {files: {[`${flaws}/mds`]: 'Vulnerable\n'}},
    'pass',
  ],
  [
    'a CPU flaw that the kernel cannot tell',
    {vulnerabilities: 'mitigated'},
    {files: {[`${flaws}/mds`]: 'Unknown: Dependent on hypervisor status\n'}},
    'unknown',
  ],
  [
    'no list of CPU flaws',
    {vulnerabilities: 'mitigated'},
    {files: {[`${flaws}/mds`]: null, [`${flaws}/meltdown`]: null, [`${flaws}/l1tf`]: null}},
    'not-applicable',
  ],
  ['no taint', {tainted: false}, {}, 'pass'],
  [
    'taints',
    {tainted: false},
    {files: {'/proc/sys/kernel/tainted': '12288\n'}},
    'fail',
    {actual: {tainted: 'O: a module from outside the kernel was loaded; E: an unsigned module was loaded'}},
  ],
  ['an allowed taint', {tainted: false, allow: ['O', 'E']}, {files: {'/proc/sys/kernel/tainted': '12288\n'}}, 'pass'],
  ['a taint of a newer kernel', {tainted: false}, {files: {'/proc/sys/kernel/tainted': '1099511627776\n'}}, 'fail'],
  ['taint of an image', {tainted: false}, {as: 'image'}, 'not-applicable'],
];
for (const [title, check, fixture, verdict, like] of rows) {
  test(`kernel: ${title}`, async t => {
    const found = await judge(check, fixture);
    t.like(found[0], {verdict, ...like}, JSON.stringify(found));
    if (verdict !== 'pass') return;
    for (const flip of kernelKind.flips(check as never)) {
      if (flip.what === 'loaded' && fixture.as === 'image') continue;
      const [turned] = await judge(check, fixture, flip.check);
      t.not(turned?.verdict, 'pass', `${flip.what} turned`);
    }
  });
}

test('kernel: the words of this machine are those that the kernel was given', async t => {
  const words = readFileSync('/proc/cmdline', 'utf8').trim().split(/\s+/);
  const word = words.findLast(text => /^[a-z]+=[^"]+$/.test(text)) ?? words[0];
  if (word === undefined) return t.fail('no arguments');
  const [finding] = await checkHost(localHost('/'), [ruleOf('kernel', {cmdline: {has: [word]}}, null)]);
  t.is(finding?.verdict, 'pass');
});

const refused: Array<[title: string, check: object, message: RegExp]> = [
  ['two subjects', {module: 'a', loaded: false, tainted: false}, /give exactly one of .*; found module, tainted/],
  ['none', {}, /found none/],
  ['a module of which nothing is expected', {module: 'a'}, /nothing is expected of the module/],
  ['an empty cmdline', {cmdline: {}}, /nothing is expected/],
  ['a key of another subject', {tainted: false, except: ['mds']}, /"except" goes with "vulnerabilities"/],
  ['a word with a space', {cmdline: {has: ['a b']}}, /a b/],
];
for (const [title, check, message] of refused) {
  test(`kernel: refuses ${title}`, t => {
    t.throws(() => ruleOf('kernel', check, null), {message});
  });
}
