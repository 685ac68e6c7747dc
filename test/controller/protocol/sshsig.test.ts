import test from 'ava';
import {parseSshSignature, readSshPublicKey, verifySshSignature} from '../../../controller/protocol/sshsig.ts';
import {keyTypes, SshKeygen} from '../../helpers/ssh-keygen.ts';

const namespace = 'reeve-pack';
const message = Buffer.from('what is signed\n');

function outcome(signature: string, content: Uint8Array, purpose = namespace): string {
  const parsed = parseSshSignature(signature);
  if (!parsed.ok) return parsed.reason;
  const verified = verifySshSignature(parsed.value, content, purpose);
  return verified.ok ? 'right' : verified.reason;
}

for (const type of keyTypes) {
  test(`verifySshSignature() agrees with ssh-keygen on ${type.join(' ')}`, t => {
    const ssh = new SshKeygen();
    t.teardown(() => ssh.remove());
    const key = ssh.key('k', type);
    for (const hash of ['sha256', 'sha512']) {
      const signature = ssh.sign('k', message, {hash});
      t.is(outcome(signature, message), 'right');
      t.true(ssh.verifies(`me ${key}`, 'me', signature, message), 'the oracle works');
      for (const [content, purpose] of [
        [Buffer.from('what is signed'), namespace],
        [Buffer.alloc(0), namespace],
        [message, 'git'],
      ] as const) {
        t.not(outcome(signature, content, purpose), 'right');
        t.false(ssh.verifies(`me ${key}`, 'me', signature, content, purpose));
      }
      const parsed = parseSshSignature(signature);
      t.true(parsed.ok && parsed.value.publicKey.toString('base64') === key.split(' ')[1]);
    }
  });
}

test('verifySshSignature() takes a signature of a large message', t => {
  const ssh = new SshKeygen();
  t.teardown(() => ssh.remove());
  ssh.key('k', ['ed25519']);
  const large = Buffer.alloc(300_000, 'x');
  t.is(outcome(ssh.sign('k', large), large), 'right');
});

const body = (armoured: string) => Buffer.from(armoured.split('\n').slice(1, -2).join(''), 'base64');
const armour = (bytes: Uint8Array) =>
  `-----BEGIN SSH SIGNATURE-----\n${Buffer.from(bytes).toString('base64')}\n-----END SSH SIGNATURE-----\n`;

for (const type of keyTypes) {
  test(`verifySshSignature() refuses every flipped bit and every cut of a ${type.join(' ')} signature`, t => {
    const ssh = new SshKeygen();
    t.teardown(() => ssh.remove());
    ssh.key('k', type);
    const bytes = body(ssh.sign('k', message));
    t.is(outcome(armour(bytes), message), 'right');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ (1 << (at % 8));
      t.not(outcome(armour(changed), message), 'right', `byte ${at}`);
      t.not(outcome(armour(bytes.subarray(0, at)), message), 'right', `cut at ${at}`);
    }
    t.not(outcome(armour(Buffer.concat([bytes, Buffer.alloc(1)])), message), 'right', 'one byte more');
  });
}

const string = (value: string | Uint8Array) => {
  const bytes = Buffer.from(value as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};
const blob = (...parts: Buffer[]) =>
  armour(Buffer.concat([Buffer.from('SSHSIG'), Buffer.from([0, 0, 0, 1]), ...parts]));
const inner = Buffer.concat([string('ssh-ed25519'), string(Buffer.alloc(64))]);
const ed25519 = Buffer.concat([string('ssh-ed25519'), string(Buffer.alloc(32, 1))]);

const refusals: Array<[what: string, text: string, reason: RegExp]> = [
  ['text without armour', 'hello', /not one of "ssh-keygen -Y sign"/],
  ['an empty text', '', /not one of/],
  [
    'a body that is no base64',
    '-----BEGIN SSH SIGNATURE-----\nU1NIU0lH=AAA\n-----END SSH SIGNATURE-----\n',
    /base64 is not exact/,
  ],
  [
    'spare bits in the last base64 digit',
    '-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAB==\n-----END SSH SIGNATURE-----\n',
    /base64 is not exact/,
  ],
  [
    'something longer than any signature',
    `-----BEGIN SSH SIGNATURE-----\n${'A'.repeat(20_000)}\n-----END SSH SIGNATURE-----`,
    /more than 16384/,
  ],
  ['another magic', armour(Buffer.from('SSHSIX\0\0\0\x01')), /does not begin with SSHSIG/],
  ['another version', armour(Buffer.from('SSHSIG\0\0\0\x02')), /version 2 found/],
  ['a length past the end', armour(Buffer.from('SSHSIG\0\0\0\x01\xff\xff\xff\xff', 'latin1')), /ends too early/],
  [
    'an unknown hash',
    blob(string(ed25519), string(namespace), string(''), string('md5'), string(inner)),
    /hash "md5" found/,
  ],
  [
    'an empty namespace',
    blob(string(ed25519), string(''), string(''), string('sha512'), string(inner)),
    /empty or not printable/,
  ],
];
for (const [what, text, reason] of refusals) {
  test(`parseSshSignature() refuses ${what}`, t => t.regex(outcome(text, message), reason));
}

test('verifySshSignature() refuses an RSA signature over SHA-1, and algorithms that do not go with the key', t => {
  const ssh = new SshKeygen();
  t.teardown(() => ssh.remove());
  const rsa = Buffer.from(ssh.key('k', ['rsa', '2048']).split(' ')[1] as string, 'base64');
  for (const algorithm of ['ssh-rsa', 'ssh-ed25519', 'rsa-sha2-1024']) {
    const part = Buffer.concat([string(algorithm), string(Buffer.alloc(256, 1))]);
    const text = blob(string(rsa), string(namespace), string(''), string('sha512'), string(part));
    t.regex(outcome(text, message), /does not go with a key of type "ssh-rsa"/);
  }
});

const keys: Array<[what: string, blob: Buffer, reason: RegExp]> = [
  ['an unknown type', Buffer.concat([string('ssh-dss'), string('x')]), /type "ssh-dss" are not supported/],
  [
    'a key of a wrong length',
    Buffer.concat([string('ssh-ed25519'), string(Buffer.alloc(31))]),
    /31 bytes found, 32 wanted/,
  ],
  ['bytes after the key', Buffer.concat([ed25519, Buffer.alloc(2)]), /2 bytes too many/],
  [
    'a curve that is not the type',
    Buffer.concat([string('ecdsa-sha2-nistp256'), string('nistp384'), string(Buffer.alloc(65, 4))]),
    /curve "nistp384" found/,
  ],
  [
    'a compressed point',
    Buffer.concat([string('ecdsa-sha2-nistp256'), string('nistp256'), string(Buffer.alloc(33, 2))]),
    /uncompressed/,
  ],
  [
    'a point off the curve',
    Buffer.concat([string('ecdsa-sha2-nistp256'), string('nistp256'), string(Buffer.alloc(65, 4))]),
    /no valid key/,
  ],
  [
    'a short RSA key',
    Buffer.concat([string('ssh-rsa'), string(Buffer.from([1, 0, 1])), string(Buffer.alloc(128, 0x7f))]),
    /1023 bits found/,
  ],
  [
    'a negative modulus',
    Buffer.concat([string('ssh-rsa'), string(Buffer.from([1, 0, 1])), string(Buffer.alloc(256, 0xff))]),
    /not positive/,
  ],
  [
    'a modulus with zeros before it',
    Buffer.concat([
      string('ssh-rsa'),
      string(Buffer.from([1, 0, 1])),
      string(Buffer.concat([Buffer.alloc(2), Buffer.alloc(256, 0xff)])),
    ]),
    /shortest form/,
  ],
];
for (const [what, bytes, reason] of keys) {
  test(`readSshPublicKey() refuses ${what}`, t => {
    const key = readSshPublicKey(bytes);
    t.regex(key.ok ? 'accepted' : key.reason, reason);
  });
}
