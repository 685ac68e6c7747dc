import {generateKeyPairSync} from 'node:crypto';
import test from 'ava';
import {
  bindingLength,
  enrolBytes,
  helloBytes,
  preAuthEncoding,
  publicKeyFromRaw,
  rawPublicKey,
  signEd25519,
  signedBytes,
  unboundMarker,
  verifyEd25519,
} from '../../../controller/protocol/signing.ts';

const {privateKey, publicKey} = generateKeyPairSync('ed25519');

test('signedBytes() puts the length before each part', t => {
  const bytes = signedBytes('reeve-hello-v1', ['ab', Buffer.from([1])]);
  t.is(bytes.toString('hex'), `0000000e${Buffer.from('reeve-hello-v1').toString('hex')}00000002616200000001${'01'}`);
});

test('signedBytes() gives different bytes for parts that are cut elsewhere', t => {
  t.notDeepEqual(signedBytes('reeve-hello-v1', ['ab', 'c']), signedBytes('reeve-hello-v1', ['a', 'bc']));
  t.notDeepEqual(signedBytes('reeve-hello-v1', ['a', '']), signedBytes('reeve-hello-v1', ['a']));
});

test('a signature for one purpose is none for another', t => {
  const nonce = Buffer.alloc(32, 1);
  const hello = helloBytes({fleet: 'f', agent: 'a', nonce, binding: nonce, join: ''});
  const enrol = enrolBytes({fleet: 'f', publicKey: Buffer.from('a'), nonce, binding: nonce});
  const signature = signEd25519(hello, privateKey);
  t.true(verifyEd25519(hello, signature, publicKey));
  t.false(verifyEd25519(enrol, signature, publicKey));
});

test('verifyEd25519() says false for signatures of any length', t => {
  for (const length of [0, 1, 63, 65, 4096]) t.false(verifyEd25519(Buffer.from('x'), Buffer.alloc(length), publicKey));
});

test('raw public keys come back as the same key, and only 32 bytes are one', t => {
  t.true(publicKeyFromRaw(rawPublicKey(publicKey)).equals(publicKey));
  t.throws(() => publicKeyFromRaw(Buffer.alloc(31)), {instanceOf: RangeError});
});

// The example of the specification: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
test('preAuthEncoding() is that of DSSE', t => {
  t.is(
    preAuthEncoding('http://example.com/HelloWorld', Buffer.from('hello world')).toString(),
    'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
  );
});

test('the marker in place of a TLS exporter is as long as one', t => {
  t.is(unboundMarker.length, bindingLength);
});
