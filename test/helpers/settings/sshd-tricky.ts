import type {SshdCase} from './sshd.ts';

const rows: Array<[name: string, main: string, others?: {[path: string]: string}, connection?: string]> = [
  ['empty', ''],
  ['no-end-of-line', 'PermitRootLogin no'],
  ['first-wins', 'PermitRootLogin no\nPermitRootLogin yes\n'],
  [
    'drop-in-before-main',
    'Include drop-in-before-main/d/*.conf\nPermitRootLogin no\n',
    {'d/10.conf': 'PermitRootLogin yes\n'},
  ],
  [
    'drop-in-after-main',
    'PermitRootLogin no\nInclude drop-in-after-main/d/*.conf\n',
    {'d/10.conf': 'PermitRootLogin yes\nX11Forwarding yes\n'},
  ],
  [
    'drop-ins-by-name',
    'Include drop-ins-by-name/d/*.conf\n',
    {
      'd/9.conf': 'MaxAuthTries 9\n',
      'd/10.conf': 'MaxAuthTries 10\n',
      'd/B.conf': 'MaxSessions 1\n',
      'd/a.conf': 'MaxSessions 2\n',
    },
  ],
  [
    'hidden-drop-in',
    'Include hidden-drop-in/d/*\n',
    {'d/.hidden.conf': 'PermitRootLogin yes\n', 'd/x': 'MaxAuthTries 2\n'},
  ],
  ['missing-include', 'Include missing-include/none.conf missing-include/d/*.conf\nPermitRootLogin no\n'],
  ['include-twice', 'Include include-twice/a.conf\nInclude include-twice/a.conf\n', {'a.conf': 'AllowUsers alice\n'}],
  ['include-loop', 'Include include-loop/sshd_config\n'],
  [
    'match-ends-with-file',
    'Include match-ends-with-file/a.conf\nPermitRootLogin no\n',
    {'a.conf': 'Match user bob\nPermitRootLogin yes\n'},
  ],
  [
    'include-in-match',
    'Match user u1\nInclude include-in-match/a.conf\nX11Forwarding yes\n',
    {'a.conf': 'PermitRootLogin yes\n'},
    'user=u1',
  ],
  [
    'include-in-match-of-another',
    'Match user u2\nInclude include-in-match-of-another/a.conf\nX11Forwarding yes\n',
    {'a.conf': 'PermitRootLogin yes\nMatch all\nMaxAuthTries 1\n'},
    'user=u1',
  ],
  [
    'match-in-match',
    'Match user u1\nInclude match-in-match/a.conf\nMaxSessions 3\n',
    {'a.conf': 'Match host h1\nMaxAuthTries 1\n'},
    'user=u1,host=h1',
  ],
  [
    'match-in-match-half',
    'Match user u1\nInclude match-in-match-half/a.conf\nMaxSessions 3\n',
    {'a.conf': 'Match host h1\nMaxAuthTries 1\n'},
    'user=u1,host=h2',
  ],
  ['match-all-overrides', 'PermitRootLogin yes\nMatch all\nPermitRootLogin no\n'],
  [
    'match-all-ends-block',
    'Match user u1\nPermitRootLogin yes\nMatch all\nUsePAM yes\nPermitRootLogin no\n',
    {},
    'user=u1',
  ],
  ['match-all-does-not-override-global', 'UsePAM yes\nMatch all\nUsePAM no\n'],
  ['match-lists-replace', 'AllowUsers alice bob\nMatch user u1\nAllowUsers carol\nAllowUsers dave\n', {}, 'user=u1'],
  ['match-and', 'Match user u1 host h1\nPermitTTY no\n', {}, 'user=u1,host=h2'],
  [
    'match-first-block-wins',
    'Match user u1\nMaxAuthTries 1\nMatch host h1\nMaxAuthTries 2\nMaxSessions 1\n',
    {},
    'user=u1,host=h1',
  ],
  ['match-rekey-keeps-interval', 'RekeyLimit 1G 1h\nMatch user u1\nRekeyLimit 2G\n', {}, 'user=u1'],
  [
    'match-algorithms',
    'PubkeyAcceptedAlgorithms ssh-ed25519\nMatch user u1\nPubkeyAcceptedAlgorithms +ssh-rsa\n',
    {},
    'user=u1',
  ],
  [
    'match-none-clears',
    'Banner /etc/issue\nForceCommand /bin/false\nMatch user u1\nBanner none\nForceCommand none\n',
    {},
    'user=u1',
  ],
  ['global-only-in-match', 'Match user u1\nUsePAM no\n'],
  ['match-comment', 'Match user u1 # the admin\nPermitRootLogin yes\n', {}, 'user=u1'],
  ['match-equals', 'Match user=u1\nPermitTTY no\n', {}, 'user=u1'],
  ['keyword-equals', 'PermitRootLogin=no\nMaxAuthTries = 4\nMaxSessions= 3\nLogLevel =VERBOSE\n'],
  ['keyword-equals-twice', 'PermitRootLogin == no\n'],
  ['keyword-quoted', '"PermitRootLogin" no\n'],
  ['quotes', 'Banner "/etc/my issue"\nAllowUsers "al ice" bob\'by\' "carol\\"x"\n'],
  ['quotes-open', 'AllowUsers "alice\n'],
  ['escapes', 'AllowUsers al\\ ice b\\\\ob c\\x\n'],
  ['hash-in-word', 'AllowUsers al#ice bob #carol\n'],
  ['rest-of-line', 'ForceCommand  /bin/sh -c "echo hi" # all of it\nVersionAddendum  a b # not this\n'],
  ['form-feed', 'PermitRootLogin no\f\n'],
  ['carriage-return', 'PermitRootLogin no\r\nMaxAuthTries 3\r\n'],
  ['tabs', '\tPermitRootLogin\t\tno\t\n'],
  ['comment-after', 'PermitRootLogin no # never\n'],
  ['extra-words', 'PermitRootLogin no never\n'],
  ['no-value', 'PermitRootLogin\n'],
  ['only-comment-value', 'PermitRootLogin # no\n'],
  ['unknown-keyword', 'PermitRootLogins no\n'],
  ['deprecated', 'Protocol 1,2\nUseLogin yes\nRSAAuthentication no\nServerKeyBits 1024\n'],
  [
    'old-names',
    'ChallengeResponseAuthentication no\nDSAAuthentication no\nKeepAlive no\nPubkeyAcceptedKeyTypes ssh-ed25519\n',
  ],
  ['ports', 'ListenAddress 127.0.0.1\nPort 22\nPort 2222\nListenAddress [::1]:99\n'],
  ['startups-carry', 'MaxStartups 5:60:20\nMaxStartups 8\n'],
  ['timeout-none-wins', 'UnusedConnectionTimeout 5m\nUnusedConnectionTimeout none\n'],
  ['qos-last', 'IPQoS af21\nIPQoS cs1 af11\n'],
  ['rekey-two-lines', 'RekeyLimit 1G\nRekeyLimit 2G 30m\n'],
  ['setenv-first-line', 'SetEnv A=1 A=2 B=3\nSetEnv C=4\n'],
  ['algorithms-pattern-refused', 'Ciphers aes*-ctr,chacha*\n'],
  [
    'algorithms-pattern',
    'PubkeyAcceptedAlgorithms *ed25519*,rsa-*\nCiphers -*gcm*\nMACs -*etm*,*sha1*\nKexAlgorithms ^diffie-hellman-group14-sha1\nHostKeyAlgorithms +ssh-rsa,ssh-dss\n',
  ],
  ['algorithms-same-twice', 'Ciphers +aes128-ctr,aes128-cbc,aes128-cbc\n'],
  ['yes-is-not-true', 'PermitRootLogin true\n'],
  ['tunnel-case', 'PermitTunnel YES\n'],
  ['root-forced', 'PermitRootLogin Forced-Commands-Only\n'],
  ['subsystem-twice', 'Subsystem sftp internal-sftp\nSubsystem sftp /bin/false\n'],
  ['local-port', 'Match LocalPort 2222\nPasswordAuthentication yes\n', {}, 'user=u1,lport=2222,laddr=10.0.0.1'],
  ['long-line', `AllowUsers ${'alice '.repeat(2000)}\n`],
  [
    'two-drop-in-patterns',
    'Include two-drop-in-patterns/b*.conf two-drop-in-patterns/a*.conf\n',
    {'a1.conf': 'MaxAuthTries 1\n', 'b1.conf': 'MaxAuthTries 2\n'},
  ],
  [
    'bracket-pattern',
    'Include bracket-pattern/[a-c]?.conf\n',
    {'a1.conf': 'MaxAuthTries 1\n', 'd1.conf': 'MaxSessions 1\n'},
  ],
];

/** Configurations that people write and that simple readers get wrong, each named after what it shows. */
export const trickySshdCases: SshdCase[] = rows.map(([name, main, others = {}, connection]) => ({
  name,
  files: {sshd_config: main, ...others},
  ...(connection === undefined
    ? {}
    : {
        connection: connection.includes('lport')
          ? connection
          : `${connection},laddr=10.9.9.9,lport=22${connection.includes('host=') ? '' : ',host=h9'},addr=10.0.0.9`,
      }),
}));
