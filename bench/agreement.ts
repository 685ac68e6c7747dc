import type {Verdict} from '../policies/finding.ts';

/**
 * Rules of reeve and the rules of the Debian 11 content that decide the same fact. A rule of reeve often covers several
 * of oscap's: they agree when one says fail exactly where the other does.
 * Left out are rules that the content gets wrong on Debian 12: file_permissions_systemmap fails where no System.map is,
 * apt_sources_list_official knows bullseye only, sshd_* read no drop-ins, service_* need a running systemd.
 */
const oscapPairs: Array<[reeve: string, oscap: string[]]> = [
  ['files.passwd', ['file_owner_etc_passwd', 'file_groupowner_etc_passwd', 'file_permissions_etc_passwd']],
  ['files.group', ['file_owner_etc_group', 'file_groupowner_etc_group', 'file_permissions_etc_group']],
  ['files.shadow', ['file_owner_etc_shadow', 'file_groupowner_etc_shadow', 'file_permissions_etc_shadow']],
  ['files.gshadow', ['file_owner_etc_gshadow', 'file_groupowner_etc_gshadow', 'file_permissions_etc_gshadow']],
  ['sudo.authenticate', ['sudo_remove_no_authenticate']],
  ['sudo.password', ['sudo_remove_nopasswd']],
  [
    'packages.telnet-server',
    ['package_telnetd_removed', 'package_telnetd-ssl_removed', 'package_inetutils-telnetd_removed'],
  ],
  ['packages.nis', ['package_nis_removed']],
  ['sysctl.aslr', ['sysctl_kernel_randomize_va_space']],
  ['sysctl.suid-dumps', ['sysctl_fs_suid_dumpable']],
  ['sysctl.links', ['sysctl_fs_protected_hardlinks', 'sysctl_fs_protected_symlinks']],
];

/** Rules of reeve, and how lynis begins what it says when it finds the same fact wrong. Silence is its pass. */
const lynisPairs: Array<[reeve: string, lynis: string]> = [
  ['accounts.umask', 'AUTH-9328|Default umask'],
  ['accounts.password-ageing-default', 'AUTH-9286|Configure maximum password age'],
  ['coredump.limit', 'KRNL-5820|'],
  ['kernel.usb-storage', 'USB-1000|'],
  ['kernel.firewire', 'STRG-1846|'],
  ['packages.telnet-server', 'INSE-8322|'],
  ['files.shadow', 'AUTH-9208|'],
];

type Finding = {rule: string; verdict: Verdict};
export type Row = [peer: string, rule: string, theirs: string, ours: string, agree: string];

/** One row a pair that oscap decided. `reportText` is the JSON document of `reeve check`. */
export function oscapRows(results: ReadonlyMap<string, string>, reportText: string): Row[] {
  return oscapPairs.flatMap(([rule, names]): Row[] => {
    const theirs = names.map(name => results.get(name));
    if (theirs.some(result => result !== 'pass' && result !== 'fail')) return [];
    const peer = names.length > 1 ? `oscap ${names[0]} and ${names.length - 1} more` : `oscap ${names[0]}`;
    return [rowOf(peer, rule, theirs.includes('fail') ? 'fail' : 'pass', reportText)];
  });
}

/** One row a pair, from the whole audit's complaints. */
export function lynisRows(complaints: readonly string[], reportText: string): Row[] {
  return lynisPairs.map(([rule, start]) => {
    const fails = complaints.some(complaint => complaint.startsWith(start));
    return rowOf(`lynis ${start.replace('|', ' ').trim()}`, rule, fails ? 'fail' : 'pass', reportText);
  });
}

function rowOf(peer: string, rule: string, theirs: string, reportText: string): Row {
  const {findings} = JSON.parse(reportText) as {findings: Finding[]};
  const own = findings.filter(finding => finding.rule === rule).map(({verdict}) => verdict);
  const ours = own.includes('fail')
    ? 'fail'
    : own.length > 0 && own.every(verdict => verdict === 'pass')
      ? 'pass'
      : (own[0] ?? 'no such rule');
  const decided = ours === 'pass' || ours === 'fail';
  return [peer, rule, theirs, ours, decided ? (ours === theirs ? 'yes' : 'no') : 'not decided'];
}
