import {seeded} from '../random.ts';
import type {SshdCase} from './sshd.ts';

/** Keyword → values that sshd takes, one of them at random; those after the bar may stand in Match blocks. */
const everywhere: Array<[string, string[]]> = [
  ['PermitRootLogin', ['yes', 'no', 'prohibit-password', 'without-password', 'forced-commands-only', 'YES']],
  ['PasswordAuthentication', ['yes', 'no', '"no"', "'yes'"]],
  ['KbdInteractiveAuthentication', ['yes', 'no']],
  ['ChallengeResponseAuthentication', ['yes', 'no']],
  ['PubkeyAuthentication', ['yes', 'no']],
  ['PermitEmptyPasswords', ['yes', 'no']],
  ['X11Forwarding', ['yes', 'no']],
  ['AllowTcpForwarding', ['yes', 'no', 'all', 'local', 'remote']],
  ['AllowStreamLocalForwarding', ['yes', 'no', 'local']],
  ['AllowAgentForwarding', ['yes', 'no']],
  ['GatewayPorts', ['yes', 'no', 'clientspecified']],
  ['IgnoreRhosts', ['yes', 'no', 'shosts-only']],
  ['PermitTunnel', ['yes', 'no', 'point-to-point', 'ethernet']],
  ['MaxAuthTries', ['1', '3', '6', '010']],
  ['MaxSessions', ['0', '2', '10']],
  ['ClientAliveInterval', ['0', '300', '5m', '1h30m', '2D']],
  ['ClientAliveCountMax', ['0', '3']],
  ['LogLevel', ['verbose', 'INFO', 'DEBUG1', 'Debug', 'quiet']],
  ['AllowUsers', ['alice', 'alice bob', 'carol@10.0.0.*', '"dave"']],
  ['DenyUsers', ['mallory', 'eve trudy']],
  ['AllowGroups', ['ssh', 'wheel admin']],
  ['DenyGroups', ['nogroup']],
  ['AcceptEnv', ['LANG LC_*', 'TZ', 'XMODIFIERS LANGUAGE']],
  ['SetEnv', ['A=1', 'A=2 B=3', 'C="x y"', 'A=1 A=2']],
  ['AuthorizedKeysFile', ['.ssh/authorized_keys', '/etc/keys/%u .ssh/keys', 'none']],
  ['AuthenticationMethods', ['publickey', 'publickey,password publickey']],
  ['Banner', ['/etc/issue.net', 'none', 'NONE']],
  ['ForceCommand', ['/bin/true', 'internal-sftp -f AUTH # kept', 'none', '"quoted command"']],
  ['ChrootDirectory', ['/srv/%u', 'none']],
  ['TrustedUserCAKeys', ['/etc/ssh/ca.pub', 'none']],
  ['RevokedKeys', ['/etc/ssh/revoked', 'none']],
  ['AuthorizedKeysCommand', ['/usr/bin/keys %u', 'none']],
  ['AuthorizedKeysCommandUser', ['nobody', 'none']],
  ['PermitOpen', ['any', 'none', 'localhost:80 10.0.0.1:443']],
  ['PermitListen', ['any', 'none', '8080 localhost:81']],
  ['PermitTTY', ['yes', 'no']],
  ['DisableForwarding', ['yes', 'no']],
  ['RekeyLimit', ['default', '1G', '512M 1h', '100K none', 'default none']],
  ['StreamLocalBindMask', ['0177', '0077', '0']],
  ['IPQoS', ['af21 cs1', 'lowdelay', 'EF throughput']],
  ['PubkeyAuthOptions', ['none', 'touch-required', 'verify-required touch-required']],
  ['UnusedConnectionTimeout', ['none', '5m', '0']],
  ['ChannelTimeout', ['none', 'session=5m', 'session=5m agent-connection=1h']],
  ['RequiredRSASize', ['2048', '3072']],
  ['PubkeyAcceptedAlgorithms', ['ssh-ed25519', '+ssh-rsa', '-ecdsa*', '^rsa-sha2-512', 'ssh-ed25519,rsa-*']],
  ['HostbasedAcceptedKeyTypes', ['ssh-ed25519', '-*-cert-v01@openssh.com']],
  ['CASignatureAlgorithms', ['ssh-ed25519', '-rsa*', '+ssh-rsa']],
];
const outside: Array<[string, string[]]> = [
  ['UsePAM', ['yes', 'no']],
  ['UseDNS', ['yes', 'no']],
  ['StrictModes', ['yes', 'no']],
  ['PrintMotd', ['yes', 'no']],
  ['TCPKeepAlive', ['yes', 'no']],
  ['KeepAlive', ['no']],
  ['Compression', ['yes', 'no', 'delayed']],
  ['LoginGraceTime', ['0', '30', '2m', '1m30s']],
  ['SyslogFacility', ['auth', 'AUTHPRIV', 'LOCAL3']],
  ['MaxStartups', ['10:30:60', '5', '3:50:10']],
  ['PerSourceMaxStartups', ['none', '5']],
  ['PerSourceNetBlockSize', ['24:64', '32:128']],
  ['PermitUserEnvironment', ['yes', 'no', 'LANG,LC_*']],
  ['FingerprintHash', ['md5', 'SHA256']],
  ['VersionAddendum', ['none', 'example # note', 'x']],
  ['Port', ['22', '2222', '0443']],
  ['ListenAddress', ['127.0.0.1', '127.0.0.2:2200', '::1', '[::1]:2022']],
  ['Subsystem', ['sftp /usr/lib/openssh/sftp-server -l INFO', 'x-%n internal-sftp']],
  ['DebianBanner', ['no']],
  ['GSSAPIAuthentication', ['yes', 'no']],
  ['Ciphers', ['aes256-ctr', '-*cbc,aes128*', '+3des-cbc', '^aes256-gcm@openssh.com', 'aes128-ctr,aes192-ctr']],
  ['MACs', ['hmac-sha2-512', '-umac*', '+hmac-md5,hmac-sha1', 'hmac-sha2-256,hmac-sha2-512']],
  [
    'KexAlgorithms',
    ['curve25519-sha256', '-diffie*', '+diffie-hellman-group14-sha1', '^ecdh-sha2-nistp521', 'ecdh-sha2-nistp256'],
  ],
  ['HostKeyAlgorithms', ['ssh-ed25519', '-ecdsa*,sk*', '+ssh-rsa']],
  ['Protocol', ['2']],
  ['UsePrivilegeSeparation', ['sandbox']],
];

/** What sshd refuses. */
const broken = [
  'PermitRootLogin maybe',
  'NoSuchKeyword yes',
  'PermitRootLogin',
  'MaxAuthTries many',
  'UseDNS yes no',
  'Banner "open',
  'Match frob x',
  'AllowUsers ""',
  'LoginGraceTime 1y',
  'Match all user bob',
  'Subsystem sftp',
  'Match user',
  'AuthorizedKeysCommand relative',
];

/** Configurations with drop-ins, nested includes and Match blocks; about one in twelve is broken. */
export function randomSshdCases(count: number, seed: number): SshdCase[] {
  const below = seeded(seed);
  const pick = <T>(list: T[]): T => list[below(list.length)] as T;
  const spell = (name: string) => pick([name, name, name.toLowerCase(), name.toUpperCase()]);
  let subsystems = 0;
  const setting = (inMatch: boolean): string => {
    const [name, values] = pick(inMatch || below(3) > 0 ? everywhere : outside);
    const value = pick(values).replace('%n', String(subsystems++));
    const end = /^(ForceCommand|VersionAddendum|AuthorizedKeysCommand)$/.test(name)
      ? ''
      : pick(['', '', '', ' # note', '  ', '\t#x']);
    return `${pick(['', '', '  ', '\t'])}${spell(name)}${pick([' ', ' ', '\t', '=', ' = '])}${value}${end}`;
  };
  const criterion = () =>
    pick([
      `User u${below(3)}`,
      `host h${below(3)}`,
      `Address 10.0.0.${below(3)}`,
      `User=u${below(3)}`,
      `LocalPort ${pick(['22', '2222'])}`,
    ]);
  const match = () =>
    pick([
      `Match ${criterion()}`,
      `Match ${criterion()}`,
      `match ${criterion()} ${criterion()}`,
      'Match all',
      'Match All # everybody',
    ]);

  const file = (name: string, depth: number, files: {[path: string]: string}, path: string, nested: boolean): void => {
    const lines: string[] = [];
    let inMatch = nested;
    for (let left = 3 + below(9); left > 0; left--) {
      const kind = below(14);
      if (kind === 0 && depth < 3) {
        const inner = `part${Object.keys(files).length}.conf`;
        files[inner] = '';
        file(name, depth + 1, files, inner, inMatch);
        lines.push(
          pick([
            `Include ${name}/${inner}`,
            `include "/etc/ssh/${name}/${inner}"`,
            `Include /etc/ssh/${name}/part[${inner.slice(4, -5)}].conf ${name}/none-*.conf`,
          ]),
        );
      } else if (kind <= 2) {
        lines.push(match());
        inMatch = true;
      } else if (kind === 3) lines.push(pick(['', '# a note', '   ', '#PermitRootLogin yes']));
      else if (below(120) === 0) lines.push(pick(broken));
      else lines.push(setting(inMatch));
    }
    files[path] = `${lines.join(pick(['\n', '\n', '\r\n']))}\n`;
  };

  return Array.from({length: count}, (_, index) => {
    const files: {[path: string]: string} = {sshd_config: ''};
    file(`r${index}`, 0, files, 'sshd_config', false);
    const connection = `user=u${below(3)},host=h${below(3)},addr=10.0.0.${below(3)},laddr=10.9.9.9,lport=${pick(['22', '2222'])}`;
    return {name: `r${index}`, files, connection};
  });
}
