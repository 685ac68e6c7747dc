import {defaultAlgorithms, type SshdBuild} from './algorithms.ts';
import type {Keyword} from './keywords.ts';

const flags: Array<[value: string, names: string]> = [
  [
    'yes',
    'AllowAgentForwarding AllowStreamLocalForwarding AllowTcpForwarding Compression DebianBanner GSSAPICleanupCredentials GSSAPIDelegateCredentials GSSAPIStrictAcceptorCheck IgnoreRhosts KbdInteractiveAuthentication KerberosOrLocalPasswd KerberosTicketCleanup PasswordAuthentication PermitTTY PermitUserRC PrintLastLog PrintMotd PubkeyAuthentication StrictModes TCPKeepAlive X11UseLocalhost',
  ],
  [
    'no',
    'DisableForwarding ExposeAuthInfo GatewayPorts GSSAPIAuthentication GSSAPIKeyExchange GSSAPIStoreCredentialsOnRekey HostbasedAuthentication HostbasedUsesNameFromPacketOnly IgnoreUserKnownHosts KerberosAuthentication KerberosGetAFSToken PermitEmptyPasswords PermitTunnel PermitUserEnvironment RefuseConnection StreamLocalBindUnlink UseDNS UsePAM X11Forwarding',
  ],
  [
    'none',
    'AuthorizedKeysCommand AuthorizedKeysCommandUser AuthorizedPrincipalsCommand AuthorizedPrincipalsCommandUser AuthorizedPrincipalsFile Banner ChannelTimeout ChrootDirectory ForceCommand HostKeyAgent LogVerbose PerSourceMaxStartups PerSourcePenaltyExemptList PubkeyAuthOptions RevokedKeys TrustedUserCAKeys UnusedConnectionTimeout VersionAddendum',
  ],
  ['any', 'AddressFamily AuthenticationMethods PermitListen PermitOpen'],
];

const others: Array<[name: string, value: string]> = [
  ['AuthorizedKeysFile', '.ssh/authorized_keys .ssh/authorized_keys2'],
  ['ClientAliveCountMax', '3'],
  ['ClientAliveInterval', '0'],
  ['FingerprintHash', 'SHA256'],
  ['LoginGraceTime', '120'],
  ['LogLevel', 'INFO'],
  ['MaxAuthTries', '6'],
  ['MaxSessions', '10'],
  ['MaxStartups', '10:30:100'],
  ['PerSourceNetBlockSize', '32:128'],
  ['PermitRootLogin', 'prohibit-password'],
  ['RekeyLimit', '0 0'],
  ['RequiredRSASize', '1024'],
  ['SecurityKeyProvider', 'internal'],
  ['StreamLocalBindMask', '0177'],
  ['SyslogFacility', 'AUTH'],
  ['X11DisplayOffset', '10'],
];

const plain: ReadonlyMap<string, string> = new Map([
  ...flags.flatMap(([value, names]) => names.split(' ').map(name => [name, value] as const)),
  ...others,
]);

/** Keywords that make lists and are empty unless set. */
const empty = new Set([
  'AcceptEnv',
  'AllowGroups',
  'AllowUsers',
  'DenyGroups',
  'DenyUsers',
  'HostCertificate',
  'SetEnv',
  'Subsystem',
]);

/**
 * What sshd does when nothing sets the keyword, in the words of `sshd -T`; a list where sshd has one. `null`: nothing.
 * `unknown`: it depends on the version, which is not known, or on how the vendor built it.
 */
export function sshdDefault(keyword: Keyword, build: SshdBuild): string[] | null | 'unknown' {
  if (keyword.value.kind === 'algorithms') {
    const names = defaultAlgorithms(keyword.value.family, build);
    return names === null ? 'unknown' : [names.join(',')];
  }
  if (empty.has(keyword.name)) return null;
  if (keyword.name === 'IPQoS') return qosDefault(build);
  const value = plain.get(keyword.name);
  return value === undefined ? 'unknown' : [value];
}

/** Debian goes back to what OpenSSH had before 7.8, up to its 10.0. */
function qosDefault({version, vendor}: SshdBuild): string[] | 'unknown' {
  if (version === null) return 'unknown';
  if (vendor === 'debian') return version <= 1000 ? ['lowdelay throughput'] : 'unknown';
  return version < 1001 ? ['af21 cs1'] : ['ef cs0'];
}
