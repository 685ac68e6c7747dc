import test from 'ava';
import {isConfined, parseMacLabel} from '../../policies/mac-label.ts';

const forms: Array<[label: string, parsed: ReturnType<typeof parseMacLabel>]> = [
  [
    'system_u:system_r:sshd_t:s0-s0:c0.c1023',
    {lsm: 'selinux', user: 'system_u', role: 'system_r', type: 'sshd_t', level: 's0-s0:c0.c1023'},
  ],
  ['root:sysadm_r:sysadm_t', {lsm: 'selinux', user: 'root', role: 'sysadm_r', type: 'sysadm_t', level: null}],
  ['unconfined', {lsm: 'apparmor', profile: 'unconfined', mode: 'unconfined'}],
  [
    ':lxd-web_<var-snap>://unconfined',
    {lsm: 'apparmor', profile: ':lxd-web_<var-snap>://unconfined', mode: 'unconfined'},
  ],
  ['/usr/sbin/cupsd (enforce)', {lsm: 'apparmor', profile: '/usr/sbin/cupsd', mode: 'enforce'}],
  ['my app (old) (complain)', {lsm: 'apparmor', profile: 'my app (old)', mode: 'complain'}],
  ['snap.firefox//child (kill)', {lsm: 'apparmor', profile: 'snap.firefox//child', mode: 'kill'}],
  ['a//&b (mixed)', {lsm: 'apparmor', profile: 'a//&b', mode: 'mixed'}],
  [':ns://p (enforce)', {lsm: 'apparmor', profile: ':ns://p', mode: 'enforce'}],
  ['kernel', null],
  ['', null],
  ['a:b', null],
  ['p (strict)', null],
  ['a b:c:d', null],
];
for (const [label, parsed] of forms) {
  test(`parseMacLabel() of "${label}"`, t => t.deepEqual(parseMacLabel(label), parsed));
}

const judged: Array<[label: string, confined: boolean | null]> = [
  ['system_u:system_r:sshd_t:s0', true],
  ['system_u:system_r:unconfined_service_t:s0', false],
  ['unconfined_u:unconfined_r:unconfined_t:s0', false],
  ['system_u:system_r:initrc_t:s0', false],
  ['system_u:system_r:init_t:s0', false],
  ['/usr/sbin/cupsd (enforce)', true],
  ['/usr/sbin/cupsd (kill)', true],
  ['snap.x (user)', true],
  ['/usr/sbin/cupsd (complain)', false],
  ['chrome (unconfined)', false],
  ['unconfined', false],
  [':ns://unconfined', false],
  ['a//&b (mixed)', null],
  ['kernel', null],
];
for (const [label, confined] of judged) {
  test(`isConfined() of "${label}"`, t => {
    const result = isConfined(label);
    t.is(result.confined, confined);
    t.regex(result.why, /\S/);
  });
}

test('isConfined() does not count a domain while SELinux is permissive, or a permissive domain', t => {
  const label = 'system_u:system_r:sshd_t:s0';
  t.is(isConfined(label, {enforcing: false, permissiveDomains: new Set()}).confined, false);
  t.is(isConfined(label, {enforcing: true, permissiveDomains: new Set(['sshd_t'])}).confined, false);
  t.is(isConfined(label, {enforcing: true, permissiveDomains: new Set(['httpd_t'])}).confined, true);
});
