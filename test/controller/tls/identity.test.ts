import {X509Certificate} from 'node:crypto';
import {readdir, readFile, stat, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {loadIdentity} from '../../../controller/tls/identity.ts';
import {temporaryFolder} from '../../helpers/controller.ts';

const dayMs = 24 * 3600 * 1000;
const names = ['localhost', '127.0.0.1', '::1', 'reeve.example'];

test('loadIdentity() makes a P-256 key that is its own, and a certificate with the names, good for ten years', async t => {
  const folder = await temporaryFolder(t);
  const {certificate, expiresAt} = await loadIdentity(folder, names, new Date());
  const read = new X509Certificate(certificate);
  t.is((await stat(join(folder, 'agents.key'))).mode & 0o777, 0o600);
  t.is(read.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  t.false(read.ca);
  t.is(read.checkHost('reeve.example'), 'reeve.example');
  t.is(read.checkIP('127.0.0.1'), '127.0.0.1');
  t.is(read.checkHost('other.example'), undefined);
  t.true(read.verify(read.publicKey));
  t.true(expiresAt.getTime() > Date.now() + 3649 * dayMs);
  t.deepEqual((await readdir(folder)).sort(), ['agents.crt', 'agents.key'], 'no temporary file stays');
});

test('loadIdentity() keeps the certificate; a new name or a near end makes another with the same key and pin', async t => {
  const folder = await temporaryFolder(t);
  const first = await loadIdentity(folder, names, new Date());
  t.deepEqual(await loadIdentity(folder, names, new Date()), first);
  const named = await loadIdentity(folder, [...names, 'new.example'], new Date());
  t.not(named.certificate, first.certificate);
  t.is(named.pin, first.pin);
  const renewed = await loadIdentity(folder, names, new Date(Date.now() + 3640 * dayMs));
  t.not(renewed.certificate, named.certificate);
  t.is(renewed.pin, first.pin);
});

test('loadIdentity() makes a certificate anew that is damaged, and never a key', async t => {
  const folder = await temporaryFolder(t);
  const first = await loadIdentity(folder, names, new Date());
  await writeFile(join(folder, 'agents.crt'), 'damaged');
  t.is((await loadIdentity(folder, names, new Date())).pin, first.pin);
  await writeFile(join(folder, 'agents.key'), 'damaged');
  await t.throwsAsync(loadIdentity(folder, names, new Date()));
  t.is(await readFile(join(folder, 'agents.key'), 'utf8'), 'damaged', 'hosts pin the old one, which may be restored');
});
