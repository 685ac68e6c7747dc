import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {checkHost} from '../agent/check.ts';
import {shippedPacks} from '../agent/home.ts';
import {localHost} from '../agent/host/local/host.ts';
import {readPackFolder} from '../agent/packs/disk.ts';
import type {Verdict} from '../policies/finding.ts';
import {loadPack} from '../policies/load/pack.ts';
import {formatProblem} from '../policies/load/problem.ts';
import {heaviest} from '../policies/summary.ts';
import {findMirror, snapshot, unpackDebian} from './helpers/debian-tree.ts';

type Fault = {what: string; plant: (at: (path: string) => string) => void; found: string[]};

const write = (path: string, text: string, mode = 0o644) => {
  writeFileSync(path, text, {mode});
  chmodSync(path, mode);
};
const edit = (path: string, change: (text: string) => string) =>
  writeFileSync(path, change(readFileSync(path, 'utf8')));

/** Twenty faults of different kinds, each with every rule that must report it, and no other may. */
const faults: Fault[] = [
  {what: 'shadow readable by all', plant: at => chmodSync(at('/etc/shadow'), 0o644), found: ['files.shadow']},
  {
    what: 'passwd owned by a user',
    plant: at => chownSync(at('/etc/passwd'), 1000, 0),
    found: ['files.passwd', 'setuid.unowned'],
  },
  {
    what: 'an open directory without the sticky bit',
    plant: at => {
      mkdirSync(at('/srv/drop'));
      chmodSync(at('/srv/drop'), 0o777);
    },
    found: ['setuid.sticky'],
  },
  {
    what: 'a set-uid shell',
    plant: at => {
      copyFileSync(at('/usr/bin/dash'), at('/usr/local/bin/rootsh'));
      chmodSync(at('/usr/local/bin/rootsh'), 0o4755);
    },
    found: ['setuid.user'],
  },
  {
    what: 'a file of nobody',
    plant: at => {
      write(at('/srv/orphan'), 'x');
      chownSync(at('/srv/orphan'), 4242, 0);
    },
    found: ['setuid.unowned'],
  },
  {
    what: 'root logs in with a password, in a drop-in',
    plant: at => write(at('/etc/ssh/sshd_config.d/10-admin.conf'), 'PermitRootLogin yes\n'),
    found: ['ssh.root-password'],
  },
  {
    what: 'empty passwords for one group of users',
    plant: at => appendFileSync(at('/etc/ssh/sshd_config'), '\nMatch User kiosk\n  PermitEmptyPasswords yes\n'),
    found: ['ssh.empty-passwords'],
  },
  {
    what: 'sudo without a password',
    plant: at => write(at('/etc/sudoers.d/ops'), 'kiosk ALL=(ALL) NOPASSWD: ALL\n', 0o440),
    found: ['sudo.password', 'sudo.all-commands'],
  },
  {
    what: 'a second account with uid 0',
    plant: at => {
      appendFileSync(at('/etc/passwd'), 'toor:x:0:0::/root:/usr/sbin/nologin\n');
      appendFileSync(at('/etc/shadow'), 'toor:!:20000:0:99999:7:::\n');
    },
    found: ['accounts.uid0', 'accounts.unique-uids', 'accounts.root-group'],
  },
  {
    what: 'an empty password',
    plant: at => edit(at('/etc/shadow'), text => text.replace(/^games:[^:]*:/m, 'games::')),
    found: ['accounts.passwords', 'accounts.system-passwords'],
  },
  {
    what: 'address randomisation off at the next boot',
    plant: at => write(at('/etc/sysctl.d/99-debug.conf'), 'kernel.randomize_va_space = 0\n'),
    found: ['sysctl.aslr'],
  },
  {
    what: 'weak hashes for new passwords',
    plant: at => edit(at('/etc/login.defs'), text => text.replace(/^ENCRYPT_METHOD.*$/m, 'ENCRYPT_METHOD MD5')),
    found: ['accounts.hashing'],
  },
  {
    what: 'a changed program',
    plant: at => appendFileSync(at('/usr/bin/passwd'), 'x'),
    found: ['files.login-programs-intact'],
  },
  {
    what: 'a cron job that all may change',
    plant: at => write(at('/etc/cron.d/report'), '0 4 * * * root /usr/local/bin/report\n', 0o666),
    found: ['cron.jobs', 'setuid.world-writable-files', 'setuid.etc-writable'],
  },
  {
    what: 'a preloaded library',
    plant: at => write(at('/etc/ld.so.preload'), '/usr/local/lib/libx.so\n'),
    found: ['files.preload'],
  },
  {
    what: 'a trust file of root',
    plant: at => write(at('/root/.rhosts'), '+ +\n'),
    found: ['homes.rhosts', 'setuid.trust-files'],
  },
  {
    what: 'a root shell on a console',
    plant: at => {
      mkdirSync(at('/etc/systemd/system/sysinit.target.wants'), {recursive: true});
      symlinkSync(
        '/lib/systemd/system/debug-shell.service',
        at('/etc/systemd/system/sysinit.target.wants/debug-shell.service'),
      );
    },
    found: ['boot.debug-shell'],
  },
  {
    what: '/tmp with set-uid programs',
    plant: at => write(at('/etc/fstab'), 'tmpfs /tmp tmpfs defaults 0 0\n'),
    found: ['mounts.tmp', 'mounts.scratch-programs'],
  },
  {
    what: 'ssh lets everybody in',
    plant: at => edit(at('/etc/pam.d/sshd'), text => `auth sufficient pam_permit.so\n${text}`),
    found: ['pam.permit'],
  },
  {
    what: 'package sources that all may change',
    plant: at => chmodSync(at('/etc/apt/sources.list'), 0o666),
    found: ['files.package-sources', 'setuid.world-writable-files', 'setuid.etc-writable'],
  },
];

test('reeve check --root finds twenty planted faults, nothing else, and changes nothing', async t => {
  t.timeout(900_000);
  const source = findMirror('bookworm');
  if ('reason' in source) {
    t.log(`skipped: ${source.reason}`);
    t.pass();
    return;
  }
  const root = mkdtempSync(join(tmpdir(), 'reeve-image-'));
  t.teardown(() => rmSync(root, {recursive: true, force: true}));
  unpackDebian(root, {
    suite: 'bookworm',
    mirror: source.mirror,
    packages: ['openssh-server', 'sudo', 'cron', 'systemd-sysv', 'procps'],
  });

  const before = await judge(root);
  for (const {plant} of faults) plant(path => join(root, path));
  const planted = snapshot(root);
  const after = await judge(root);
  t.is(snapshot(root), planted);

  const failing = (verdicts: Map<string, Verdict>) =>
    [...verdicts].filter(([, verdict]) => verdict === 'fail').map(([rule]) => rule);
  t.deepEqual(
    failing(after)
      .filter(rule => before.get(rule) !== 'fail')
      .sort(),
    [...new Set(faults.flatMap(({found}) => found))].sort(),
  );
  const held = [...after].filter(([rule, verdict]) => verdict === 'pass' && before.get(rule) === 'pass');
  t.true(held.length >= 50, `only ${held.length} rules passed before and after`);
  t.deepEqual(
    [...after].filter(([, verdict]) => verdict === 'error'),
    [],
  );
  t.log(
    `${faults.length} faults found, ${held.length} rules pass before and after, ${failing(before).length} failed before: ${failing(before).join(' ')}`,
  );
});

async function judge(root: string): Promise<Map<string, Verdict>> {
  const {files} = await readPackFolder(localHost('/'), join(shippedPacks, 'linux-baseline'));
  const {value, problems} = loadPack({files, signed: false});
  if (value === null) throw new Error(problems.map(formatProblem).join('\n'));
  const findings = await checkHost(localHost(root), value.rules);
  const groups = Map.groupBy(findings, ({rule}) => rule);
  return new Map([...groups].map(([rule, group]) => [rule, heaviest(group) as Verdict]));
}
