import {wildcard} from '../../../../../policies/pattern.ts';
import type {AlgorithmFamily} from './keywords.ts';

export type SshdBuild = {
  /** 902 is 9.2; null when the version is not known. */
  version: number | null;
  vendor: 'debian' | 'redhat' | 'other';
  /** The package's whole version, for what a vendor changed within one OpenSSH version. */
  package: string | null;
};

const both = '@openssh.com';
const etm = ['umac-64', 'umac-128', 'hmac-sha2-256', 'hmac-sha2-512', 'hmac-sha1'];
const macs = [
  ...etm.map(name => `${name}-etm${both}`),
  ...etm.map(name => (name.startsWith('umac') ? name + both : name)),
];
const counters = ['aes128-ctr', 'aes192-ctr', 'aes256-ctr'];
const galois = [`aes128-gcm${both}`, `aes256-gcm${both}`];
const curves = ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'];
const rsa = ['rsa-sha2-512', 'rsa-sha2-256'];
const certificate = (name: string) => `${name.replace(both, '')}-cert-v01${both}`;
const exchanges = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group-exchange-sha256',
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group18-sha512',
  'diffie-hellman-group14-sha256',
];

/** The lists that sshd starts from. Source: OpenSSH's myproposal.h of each release, 8.0 to 10.5. */
export function defaultAlgorithms(
  family: AlgorithmFamily,
  {version, vendor, package: build}: SshdBuild,
): string[] | null {
  if (version === null || version < 800 || version > 1005) return null;
  switch (family) {
    case 'ciphers':
      return [`chacha20-poly1305${both}`, ...(version >= 1000 ? [...galois, ...counters] : [...counters, ...galois])];
    case 'macs':
      return macs;
    case 'kex':
      return exchangeDefaults(
        version,
        vendor === 'debian' && build !== null && /^1:9\.2p1-2\+deb12u(?:[4-9]|\d\d)$/.test(build),
      );
    case 'keys': {
      const names = signatureDefaults(version, version < 808);
      return [...names.map(certificate), ...names];
    }
    case 'signatures':
      return signatureDefaults(version, version < 802);
  }
}

function exchangeDefaults(version: number, hasPlainSntrup: boolean): string[] {
  const sntrup = `sntrup761x25519-sha512${both}`;
  const plain = version >= 909 || hasPlainSntrup ? ['sntrup761x25519-sha512'] : [];
  if (version < 802) return [...exchanges, 'diffie-hellman-group14-sha1'];
  if (version < 809) return exchanges;
  if (version < 900) return [...exchanges.slice(0, 5), sntrup, ...exchanges.slice(5)];
  if (version < 909) return [...plain, sntrup, ...exchanges];
  const mlkem = 'mlkem768x25519-sha256';
  return version < 1000 ? [...plain, sntrup, mlkem, ...exchanges] : [mlkem, ...plain, sntrup, ...exchanges.slice(0, 5)];
}

function signatureDefaults(version: number, sha1: boolean): string[] {
  const hardware = [
    `sk-ssh-ed25519${both}`,
    `sk-ecdsa-sha2-nistp256${both}`,
    ...(version >= 1003 ? [`webauthn-sk-ecdsa-sha2-nistp256${both}`] : []),
  ];
  const last = [...rsa, ...(sha1 ? ['ssh-rsa'] : [])];
  if (version < 802) return [...curves, 'ssh-ed25519', ...last];
  if (version < 805) return [...curves, hardware[1] as string, 'ssh-ed25519', hardware[0] as string, ...last];
  return ['ssh-ed25519', ...curves, ...hardware, ...last];
}

/** Every name of keys or signatures that sshd can be asked for, in its own order: what a pattern picks from. */
function allKeyAlgorithms(family: 'keys' | 'signatures'): string[] {
  const webauthn = `webauthn-sk-ecdsa-sha2-nistp256${both}`;
  const hardware = [`sk-ssh-ed25519${both}`, ...curves, `sk-ecdsa-sha2-nistp256${both}`, webauthn];
  const names = ['ssh-ed25519', ...hardware, 'ssh-dss', 'ssh-rsa', ...rsa.toReversed()];
  return family === 'signatures'
    ? names
    : names.flatMap(name => (name === webauthn ? [name] : [name, certificate(name)]));
}

/** Whether names may be patterns: always after `-`, else for keys and signatures alone. */
export const mayBePattern = (family: AlgorithmFamily, written: string): boolean =>
  family === 'keys' || family === 'signatures' || written.startsWith('-');

/**
 * The list that sshd makes of what is written: `+` adds to its own, `-` takes away by pattern, `^` puts first, anything
 * else takes its place. Null when that needs sshd's own list and it is not known.
 */
export function assembleAlgorithms(family: AlgorithmFamily, written: string, build: SshdBuild): string[] | null {
  const own = defaultAlgorithms(family, build);
  const sign = /^[+^-]/.exec(written)?.[0] ?? '';
  const names = written
    .slice(sign.length)
    .split(',')
    .filter(name => name !== '');
  if (sign !== '' && own === null) return null;
  if (sign === '-') {
    const unwanted = names.map(name => wildcard(name));
    return (own ?? []).filter(name => !unwanted.some(matches => matches(name)));
  }
  const wanted = sign === '+' ? [...(own ?? []), ...names] : sign === '^' ? [...names, ...(own ?? [])] : names;
  const all = family === 'keys' || family === 'signatures' ? allKeyAlgorithms(family) : [];
  return [...new Set(wanted.flatMap(name => (/[*?]/.test(name) ? all.filter(wildcard(name)) : [name])))];
}
