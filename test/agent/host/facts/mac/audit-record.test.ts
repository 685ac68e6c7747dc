import test from 'ava';
import {parseDenial} from '../../../../../agent/host/facts/mac/audit-record.ts';
import {cpuMs} from '../../../../helpers/cpu.ts';

const brief = (line: string, fallback?: {at: number; event: string | null}) => {
  const denial = parseDenial(line, fallback ?? null);
  return (
    denial && {
      lsm: denial.lsm,
      what: [denial.subject, denial.operation, denial.class, denial.target].join('|'),
      mode: denial.mode,
      pid: denial.pid,
    }
  );
};

const rows: Array<[title: string, line: string, expected: ReturnType<typeof brief>]> = [
  [
    'an AVC of SELinux, levels with colons left out',
    'type=AVC msg=audit(1795248100.413:301): avc:  denied  { read open } for  pid=1042 comm="httpd" path="/srv/x" scontext=system_u:system_r:httpd_t:s0-s0:c0.c1023 tcontext=unconfined_u:object_r:user_home_t:s0:c1,c5 tclass=file permissive=0',
    {lsm: 'selinux', what: 'httpd_t|open read|file|user_home_t', mode: 'enforced', pid: 1042},
  ],
  [
    'an AVC that was not refused',
    'type=AVC msg=audit(1795248100.413:301): avc:  denied  { read } for  pid=1 scontext=a:b:c_t:s0 tcontext=a:b:d_t:s0 tclass=file permissive=1',
    {lsm: 'selinux', what: 'c_t|read|file|d_t', mode: 'permissive', pid: 1},
  ],
  [
    'an AVC of a kernel that does not say permissive, as refused',
    'type=1400 audit(1795248100.413:301): avc:  denied  { read } for  pid=1 scontext=a:b:c_t tcontext=a:b:d_t tclass=file',
    {lsm: 'selinux', what: 'c_t|read|file|d_t', mode: 'enforced', pid: 1},
  ],
  [
    'a record of another node',
    'node=web1 type=AVC msg=audit(1795248100.413:301): avc:  denied  { read } for  pid=1 scontext=a:b:c_t:s0 tcontext=a:b:d_t:s0 tclass=dir permissive=0',
    {lsm: 'selinux', what: 'c_t|read|dir|d_t', mode: 'enforced', pid: 1},
  ],
  [
    'a USER_AVC, its inner message, and the pid of who sent it',
    `type=USER_AVC msg=audit(1795248300.500:420): pid=7 uid=0 subj=x msg='avc:  denied  { start } for auid=1000 path="/usr/lib/a.service" scontext=staff_u:staff_r:staff_t:s0 tcontext=system_u:object_r:cupsd_unit_file_t:s0 tclass=service permissive=0  exe="/usr/lib/systemd/systemd" sauid=0'\x1dUID="root"`,
    {lsm: 'selinux', what: 'staff_t|start|service|cupsd_unit_file_t', mode: 'enforced', pid: 7},
  ],
  [
    'a change of domain that was refused',
    'type=SELINUX_ERR msg=audit(1795248400.600:431): op=security_bounded_transition seresult=denied oldcontext=system_u:system_r:init_t:s0 newcontext=system_u:system_r:sandboxed_t:s0',
    {lsm: 'selinux', what: 'init_t|security_bounded_transition|process|sandboxed_t', mode: 'enforced', pid: null},
  ],
  [
    'a denial of AppArmor in the kernel log',
    'Nov 21 08:01:40 web1 kernel: [12.3] audit: type=1400 audit(1795248100.413:57): apparmor="DENIED" operation="open" profile="/usr/sbin/chronyd" name="/etc/x" pid=640 comm="chronyd" requested_mask="rw" denied_mask="w" fsuid=102 ouid=0',
    {lsm: 'apparmor', what: '/usr/sbin/chronyd|open|w|/etc/x', mode: 'enforced', pid: 640},
  ],
  [
    'a record of complain mode, its name encoded, what auditd added left out',
    'type=AVC msg=audit(1795248001.100:81): apparmor="ALLOWED" operation="open" class="file" profile="/usr/sbin/ntpd" name=2F746D702F6120622E747874 pid=702 comm="ntpd" denied_mask="r"\x1dFSUID="ntp" name="/other"',
    {lsm: 'apparmor', what: '/usr/sbin/ntpd|open|file r|/tmp/a b.txt', mode: 'permissive', pid: 702},
  ],
  [
    'a capability',
    'type=AVC msg=audit(1795248001.100:81): apparmor="DENIED" operation="capable" class="cap" profile="x y" pid=3 comm="z" capability=12  capname="net_admin"',
    {lsm: 'apparmor', what: 'x y|capable|cap|net_admin', mode: 'enforced', pid: 3},
  ],
  [
    'a process that was killed',
    'type=AVC msg=audit(1795248001.100:81): apparmor="KILLED" operation="exec" profile="strict" name="/bin/sh" pid=3 comm="z" denied_mask="x"',
    {lsm: 'apparmor', what: 'strict|exec|x|/bin/sh', mode: 'enforced', pid: 3},
  ],
  [
    'a network denial',
    'type=AVC msg=audit(1795248001.100:81): apparmor="DENIED" operation="create" class="net" profile="web" pid=3 comm="z" family="inet6" sock_type="stream" protocol=6 requested="create" denied="create"',
    {lsm: 'apparmor', what: 'web|create|net create|inet6 stream', mode: 'enforced', pid: 3},
  ],
  [
    'a D-Bus denial of AppArmor',
    `type=USER_AVC msg=audit(1795248002.100:82): pid=600 uid=101 subj=unconfined msg='apparmor="DENIED" operation="dbus_method_call"  bus="system" interface="org.x" member="Inhibit" mask="send" name="org.x" pid=703 label="webapp" peer_label="unconfined"  exe="/usr/bin/dbus-daemon"'`,
    {lsm: 'apparmor', what: 'webapp|dbus_method_call|send|org.x Inhibit', mode: 'enforced', pid: 703},
  ],
];

for (const [title, line, expected] of rows) {
  test(`parseDenial() reads ${title}`, t => t.deepEqual(brief(line), expected));
}

test('parseDenial() passes over what is no denial', t => {
  for (const line of [
    'type=AVC msg=audit(1795248001.100:81): avc:  granted  { load_policy } for  pid=1 scontext=a:b:c:s0 tcontext=a:b:d:s0 tclass=security',
    `type=USER_AVC msg=audit(1795248500.700:440): pid=1 uid=0 msg='avc:  received setenforce notice (enforcing=0)  exe="/x"'`,
    'audit: type=1400 audit(1795248000.000:12): apparmor="STATUS" operation="profile_load" profile="unconfined" name="x" pid=400 comm="apparmor_parser"',
    'type=SYSCALL msg=audit(1795248100.413:301): arch=c000003e comm="avc:" exe="/x"',
    'type=SELINUX_ERR msg=audit(1795248400.600:431): op=security_compute_sid invalid_context="x" scontext=a:b:c:s0',
    '',
  ]) {
    t.is(parseDenial(line), null, line);
  }
});

test('parseDenial() is not misled by what a process wrote into a name', t => {
  const head = 'type=AVC msg=audit(1795248001.100:81): apparmor="DENIED" operation="open" profile="web"';
  t.is(brief(`${head} name="/tmp/avc:" pid=3 denied_mask="r"`)?.what, 'web|open|r|/tmp/avc:');
  t.is(brief(`${head} name="/tmp/msg='avc:" pid=3 denied_mask="r"`)?.what, `web|open|r|/tmp/msg='avc:`);
  t.is(brief(`${head} name="/tmp/type=SELINUX_ERR" pid=3 denied_mask="r"`)?.lsm, 'apparmor');
});

test('parseDenial() takes time and event from the journal where the text has none', t => {
  const text = 'AVC apparmor="DENIED" operation="open" profile="web" name="/x" pid=3 comm="z" denied_mask="r"';
  t.is(parseDenial(text), null);
  const denial = parseDenial(text, {at: 1_795_248_100_413, event: '1795248100.413:57'});
  t.is(denial?.event, '1795248100.413:57');
  t.is(denial?.at, 1_795_248_100_413);
});

test('parseDenial() takes bounded time for a long hostile line', t => {
  const line = `type=AVC msg=audit(1.1:1): apparmor="DENIED" ${'='.repeat(200_000)}`;
  const started = process.cpuUsage();
  for (let round = 0; round < 20; round++) parseDenial(line);
  t.true(cpuMs(started) < 2000);
});
