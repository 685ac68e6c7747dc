import type {Verdict} from '../policies/finding.ts';

/**
 * Rules of reeve and the rules of the Debian 11 content that decide the same fact. A rule of reeve often covers several
 * of oscap's: they agree when one says fail exactly where the other does.
 * Left out are rules that the content gets wrong on Debian 12: file_permissions_systemmap fails where no System.map is,
 * apt_sources_list_official knows bullseye only, sshd_* read no drop-ins, service_* need a running systemd.
 */
const pairs: Array<[reeve: string, oscap: string[]]> = [
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

type Finding = {rule: string; verdict: Verdict; actual?: {[what: string]: unknown}};

/** One row a pair that both sides decided. `reportText` is the JSON document of `reeve check`. */
export function agreementRows(oscap: Map<string, string>, reportText: string): string[][] {
  const {findings} = JSON.parse(reportText) as {findings: Finding[]};
  const rows = pairs.flatMap(([id, names]) => {
    const own = findings.filter(({rule}) => rule === id);
    const theirs = names.map(name => oscap.get(name));
    if (own.length === 0 || theirs.some(result => result !== 'pass' && result !== 'fail')) return [];
    const reeve = own.some(({verdict}) => verdict === 'fail')
      ? 'fail'
      : own.every(({verdict}) => verdict === 'pass')
        ? 'pass'
        : (own[0]?.verdict ?? '');
    const peer = theirs.includes('fail') ? 'fail' : 'pass';
    return [
      [
        names.length > 1 ? `${names[0]} and ${names.length - 1} more` : (names[0] as string),
        id,
        peer,
        reeve,
        reeve === peer ? 'yes' : reeve === 'pass' || reeve === 'fail' ? 'no' : 'not decided',
      ],
    ];
  });
  return rows.length > 0 ? rows : [['oscap and its content are not installed', '-', '-', '-', '-']];
}
