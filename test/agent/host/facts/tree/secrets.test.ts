import test from 'ava';
import {findSecrets} from '../../../../../agent/host/facts/tree/secrets.ts';
import {cpuMs} from '../../../../helpers/cpu.ts';

const word = (length: number) => 'aB3dE6gH9'.repeat(20).slice(0, length);
const shapes = (text: string) => findSecrets(Buffer.from(text, 'latin1')).map(({shape, line}) => `${shape} ${line}`);

// The texts are put together here, so that no scanner takes this file for a leak.
const secrets: Array<[shape: string, text: string]> = [
  ['private key', `-----BEGIN ${'PRIVATE'} KEY-----\nMII`],
  ['private key', `-----BEGIN OPENSSH ${'PRIVATE'} KEY-----\n`],
  ['private key', `"private_key": "-----BEGIN ${'PRIVATE'} KEY-----\\nMII"`],
  ['PGP private key', `-----BEGIN PGP ${'PRIVATE'} KEY BLOCK-----`],
  ['AWS access key', `aws_access_key_id = ${'AKIA'}Q2W3E4R5T6Y7QAZX`],
  ['AWS access key', `${'ASIA'}Q2W3E4R5T6Y7QAZX`],
  ['GitHub token', `https://${'ghp_'}${word(36)}@github.com`],
  ['GitHub token', `${'github_pat_'}${word(22)}_${word(59)}`],
  ['GitLab token', `${'glpat-'}${word(20)}`],
  ['Slack token', `${'xoxb-'}1234567890-1234567890-${word(24)}`],
  ['Google API key', `${'AIza'}${word(35)}`],
  ['Stripe live key', `${'sk_live_'}${word(24)}`],
];
for (const [shape, text] of secrets) {
  test(`findSecrets() sees a ${shape} in ${text.slice(0, 24).replaceAll('\n', ' ')}…`, t => {
    t.deepEqual(shapes(`first\n${text}\n`), [`${shape} 2`]);
    t.deepEqual(shapes(`\0\xff\x80${'\n'.repeat(99)}= ${text}`), [`${shape} 100`]);
  });
}

const harmless = [
  '-----BEGIN PUBLIC KEY-----',
  '-----BEGIN CERTIFICATE-----',
  'AKIAIOSFODNN7EXAMPLE',
  `XX${'AKIA'}Q2W3E4R5T6Y7QAZX`,
  `${'AKIA'}Q2W3E4R5T6Y7QAZX7`,
  `${'ghp_'}${word(35)}`,
  `${'ghp_'}${word(37)}`,
  `${'AIza'}${word(20)}`,
  'password=hunter2',
  'xoxb-token',
  '',
];
for (const text of harmless) {
  test(`findSecrets() lets ${JSON.stringify(text)} pass`, t => {
    t.deepEqual(shapes(text), []);
  });
}

test('findSecrets() lists at most twenty, in the order of lines', t => {
  const key = `${'AKIA'}Q2W3E4R5T6Y7QAZX`;
  const found = shapes(`${key}\n`.repeat(50));
  t.is(found.length, 20);
  t.deepEqual(found.slice(0, 2), ['AWS access key 1', 'AWS access key 2']);
});

test('findSecrets() takes linear time on hostile text', t => {
  for (const piece of ['AKIA', 'xoxb-1234567890-', `${'-----BEGIN '}`, 'AIza_', 'github_pat_aaaaaaaaaaaaaaaaaaaaaa_']) {
    const started = process.cpuUsage();
    findSecrets(Buffer.from(piece.repeat(65_536 / piece.length)));
    t.true(cpuMs(started) < 1000, piece);
  }
});
