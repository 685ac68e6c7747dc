/** How a keyword's arguments are read; `choice` maps what may be written to what sshd says of it. */
export type ValueKind =
  | {kind: 'choice'; values: ReadonlyMap<string, string>; exact?: boolean}
  | {kind: 'algorithms'; family: AlgorithmFamily}
  | {
      kind:
        | 'integer'
        | 'time'
        | 'timeout'
        | 'text'
        | 'words'
        | 'rest'
        | 'command'
        | 'port'
        | 'listen'
        | 'subsystem'
        | 'rekey'
        | 'startups'
        | 'blocks'
        | 'octal'
        | 'upper'
        | 'qos'
        | 'environment'
        | 'options'
        | 'ignored';
    };

export type AlgorithmFamily = 'ciphers' | 'macs' | 'kex' | 'keys' | 'signatures';

/**
 * Which of several lines counts: the `first`, the `last`, `all` of them, or for `words` the first line whole. A number
 * says since which version (902 is 9.2) the first one does, and the last one did before.
 */
export type Keyword = {
  name: string;
  value: ValueKind;
  counts: 'first' | 'all' | 'last' | {firstSince: number};
  /** Whether it may stand in a Match block. A number: since that version. */
  match: boolean | number;
  /** Since which version sshd knows it; vendors' own keywords are known in all. */
  since?: number;
  /** Where Red Hat has it earlier. */
  sinceRedHat?: number;
};

const choice = (...values: Array<string | [string, string]>): ValueKind => ({
  kind: 'choice',
  values: new Map(values.map(value => (typeof value === 'string' ? [value, value] : value))),
});
const exactly = (...values: string[]): ValueKind => ({
  kind: 'choice',
  values: new Map(values.map(value => [value, value])),
  exact: true,
});
const flag = choice('yes', 'no');
const forwarding = choice('yes', ['all', 'yes'], 'no', 'local', 'remote');

type Row = [names: string, value: ValueKind | ValueKind['kind'], match: boolean | number, more?: Partial<Keyword>];

const rows: Row[] = [
  [
    'AllowAgentForwarding DisableForwarding ExposeAuthInfo GSSAPIAuthentication HostbasedAuthentication HostbasedUsesNameFromPacketOnly KbdInteractiveAuthentication KerberosAuthentication PasswordAuthentication PermitEmptyPasswords PermitTTY PermitUserRC PubkeyAuthentication StreamLocalBindUnlink X11Forwarding X11UseLocalhost',
    flag,
    true,
  ],
  ['RefuseConnection', flag, true, {since: 909}],
  [
    'GSSAPICleanupCredentials GSSAPIStrictAcceptorCheck GSSAPIKeyExchange GSSAPIStoreCredentialsOnRekey GSSAPIEnablek5users IgnoreUserKnownHosts KerberosGetAFSToken KerberosOrLocalPasswd KerberosTicketCleanup KerberosUniqueCCache KerberosUseKuserok PrintLastLog PrintMotd StrictModes TCPKeepAlive UseDNS UsePAM DebianBanner',
    flag,
    false,
  ],
  ['GSSAPIDelegateCredentials', flag, false, {since: 1003}],
  ['AllowTcpForwarding AllowStreamLocalForwarding', forwarding, true],
  ['GatewayPorts', choice('yes', 'no', 'clientspecified'), true],
  ['IgnoreRhosts', choice('yes', 'no', 'shosts-only'), true],
  [
    'PermitRootLogin',
    choice('yes', 'no', 'prohibit-password', ['without-password', 'prohibit-password'], 'forced-commands-only'),
    true,
  ],
  ['PermitTunnel', exactly('yes', 'no', 'point-to-point', 'ethernet'), true],
  ['Compression', choice('yes', ['delayed', 'yes'], 'no'), false],
  ['AddressFamily', choice('any', 'inet', 'inet6'), false],
  ['ClientAliveCountMax MaxAuthTries MaxSessions X11DisplayOffset', 'integer', true],
  ['RequiredRSASize', 'integer', true, {since: 901, sinceRedHat: 807}],
  ['RSAMinSize', 'integer', true],
  ['ClientAliveInterval', 'time', true],
  ['LoginGraceTime', 'time', false],
  ['UnusedConnectionTimeout', 'timeout', true, {since: 902}],
  ['AllowGroups AllowUsers DenyGroups DenyUsers AcceptEnv', 'words', true, {counts: 'all'}],
  ['HostKey HostCertificate', 'text', false, {counts: 'all'}],
  ['AuthenticationMethods AuthorizedKeysFile PermitListen PermitOpen', 'words', true],
  ['LogVerbose', 'words', true, {since: 805}],
  ['ChannelTimeout', 'words', true, {since: 902}],
  ['SetEnv', 'environment', true],
  ['PubkeyAuthOptions', 'options', true, {since: 802}],
  [
    'AuthorizedKeysCommandUser AuthorizedPrincipalsCommandUser AuthorizedPrincipalsFile Banner ChrootDirectory RDomain RevokedKeys TrustedUserCAKeys',
    'text',
    true,
  ],
  ['HostKeyAgent PidFile XAuthLocation PermitUserEnvironment GSSAPIKexAlgorithms', 'text', false],
  ['ModuliFile', 'text', false, {since: 806}],
  ['SecurityKeyProvider', 'text', false, {since: 802}],
  ['PAMServiceName', 'text', true, {since: 908}],
  ['SshdSessionPath', 'text', false, {since: 908}],
  ['SshdAuthPath', 'text', false, {since: 1000}],
  ['PerSourcePenalties', 'words', false, {since: 908}],
  ['PerSourcePenaltyExemptList', 'text', false, {since: 908}],
  ['ForceCommand', 'rest', true],
  ['AuthorizedKeysCommand AuthorizedPrincipalsCommand', 'command', true],
  ['VersionAddendum', 'rest', false],
  ['LogLevel', 'upper', true],
  ['SyslogFacility', 'upper', false],
  ['FingerprintHash', 'upper', false, {counts: 'last'}],
  ['IPQoS', 'qos', true, {counts: {firstSince: 1003}}],
  ['MaxStartups', 'startups', false, {counts: {firstSince: 1001}}],
  ['PerSourceMaxStartups', 'text', false, {since: 805, counts: {firstSince: 905}}],
  ['PerSourceNetBlockSize', 'blocks', false, {since: 805, counts: {firstSince: 1001}}],
  ['StreamLocalBindMask', 'octal', true, {counts: 'last'}],
  ['RekeyLimit', 'rekey', true, {counts: 'all'}],
  ['Port', 'port', false, {counts: 'all'}],
  ['ListenAddress', 'listen', false, {counts: 'all'}],
  ['Subsystem', 'subsystem', 905, {counts: 'all'}],
  ['Ciphers', {kind: 'algorithms', family: 'ciphers'}, false],
  ['MACs', {kind: 'algorithms', family: 'macs'}, false],
  ['KexAlgorithms', {kind: 'algorithms', family: 'kex'}, false],
  ['HostKeyAlgorithms', {kind: 'algorithms', family: 'keys'}, false],
  ['HostbasedAcceptedAlgorithms PubkeyAcceptedAlgorithms', {kind: 'algorithms', family: 'keys'}, true],
  ['CASignatureAlgorithms', {kind: 'algorithms', family: 'signatures'}, true],
  ['RhostsRSAAuthentication RSAAuthentication AuthorizedKeysFile2', 'ignored', true],
  [
    'AFSTokenPassing CheckMail KerberosTgtPassing KeyRegenerationInterval PAMAuthenticationViaKbdInt Protocol ReverseMappingCheck RhostsAuthentication ServerKeyBits UseLogin UsePrivilegeSeparation VerifyReverseMapping',
    'ignored',
    false,
  ],
];

/** Old names that sshd still takes. */
const aliases: Array<[string, string]> = [
  ['challengeresponseauthentication', 'kbdinteractiveauthentication'],
  ['dsaauthentication', 'pubkeyauthentication'],
  ['hostbasedacceptedkeytypes', 'hostbasedacceptedalgorithms'],
  ['hostdsakey', 'hostkey'],
  ['keepalive', 'tcpkeepalive'],
  ['pubkeyacceptedkeytypes', 'pubkeyacceptedalgorithms'],
  ['skeyauthentication', 'kbdinteractiveauthentication'],
];

/** Lower-case name → keyword, old names too. Source: sshd_config(5), OpenSSH's servconf.c from 8.0 to 10.5, and vendors' patches. */
export const sshdKeywords: ReadonlyMap<string, Keyword> = makeTable();

function makeTable(): Map<string, Keyword> {
  const table = new Map<string, Keyword>();
  for (const [names, value, match, more] of rows) {
    for (const name of names.split(' ')) {
      table.set(name.toLowerCase(), {
        name,
        value: typeof value === 'string' ? ({kind: value} as ValueKind) : value,
        counts: 'first',
        match,
        ...more,
      });
    }
  }
  for (const [old, name] of aliases) table.set(old, table.get(name) as Keyword);
  return table;
}
