import test from 'ava';
import {Reading} from '../../../../../agent/host/facts/settings/reader.ts';
import {
  assembleAlgorithms,
  defaultAlgorithms,
  type SshdBuild,
} from '../../../../../agent/host/facts/settings/sshd/algorithms.ts';
import {sshdDefault} from '../../../../../agent/host/facts/settings/sshd/defaults.ts';
import {evaluateSshd} from '../../../../../agent/host/facts/settings/sshd/evaluate.ts';
import {type Keyword, sshdKeywords} from '../../../../../agent/host/facts/settings/sshd/keywords.ts';
import {parseSshdLine} from '../../../../../agent/host/facts/settings/sshd/line.ts';
import {isKnown, SshdLoader} from '../../../../../agent/host/facts/settings/sshd/load.ts';
import {buildOf} from '../../../../../agent/host/facts/settings/sshd.ts';
import {memoryHost} from '../../../../../agent/host/memory/host.ts';

const of = (version: number, more: Partial<SshdBuild> = {}): SshdBuild => ({
  version,
  vendor: 'other',
  package: null,
  ...more,
});

for (const [version, build] of [
  ['1:9.2p1-2+deb12u10', {version: 902, vendor: 'debian'}],
  ['1:8.9p1-3ubuntu0.13', {version: 809, vendor: 'debian'}],
  ['8.7p1-38.el9', {version: 807, vendor: 'redhat'}],
  ['10.0p1-5.fc43', {version: 1000, vendor: 'redhat'}],
  ['9.6p1-1', {version: 906, vendor: 'other'}],
  [null, {version: null, vendor: 'other'}],
] as const) {
  test(`buildOf() knows ${version}`, t => t.like(buildOf(version), build));
}

test('defaultAlgorithms() gives the lists of the release, none for one that it does not know', t => {
  t.true(defaultAlgorithms('kex', of(800))?.includes('diffie-hellman-group14-sha1'));
  t.false(defaultAlgorithms('kex', of(802))?.includes('diffie-hellman-group14-sha1'));
  t.is(defaultAlgorithms('kex', of(1000))?.[0], 'mlkem768x25519-sha256');
  t.false(defaultAlgorithms('kex', of(1000))?.some(name => name.startsWith('diffie')));
  t.is(defaultAlgorithms('kex', of(902))?.[0], 'sntrup761x25519-sha512@openssh.com');
  const patched = of(902, {vendor: 'debian', package: '1:9.2p1-2+deb12u10'});
  t.is(defaultAlgorithms('kex', patched)?.[0], 'sntrup761x25519-sha512');
  t.true(defaultAlgorithms('keys', of(807))?.includes('ssh-rsa'));
  t.false(defaultAlgorithms('keys', of(808))?.includes('ssh-rsa'));
  t.true(defaultAlgorithms('signatures', of(801))?.includes('ssh-rsa'));
  t.is(defaultAlgorithms('ciphers', of(799)), null);
  t.is(defaultAlgorithms('ciphers', of(1100)), null);
});

for (const [written, names] of [
  ['aes256-ctr,aes128-ctr', ['aes256-ctr', 'aes128-ctr']],
  ['-*gcm*,chacha*', ['aes128-ctr', 'aes192-ctr', 'aes256-ctr']],
  [
    '^3des-cbc',
    [
      '3des-cbc',
      'chacha20-poly1305@openssh.com',
      'aes128-ctr',
      'aes192-ctr',
      'aes256-ctr',
      'aes128-gcm@openssh.com',
      'aes256-gcm@openssh.com',
    ],
  ],
] as const) {
  test(`assembleAlgorithms() makes a list of ${written}`, t =>
    t.deepEqual(assembleAlgorithms('ciphers', written, of(902)), [...names]));
}

test('assembleAlgorithms() does not guess what a list adds to when the version is not known', t => {
  t.is(assembleAlgorithms('ciphers', '+3des-cbc', of(902, {version: null})), null);
  t.deepEqual(assembleAlgorithms('ciphers', '3des-cbc', of(902, {version: null})), ['3des-cbc']);
});

test('sshdDefault() follows the version and the vendor', t => {
  const ipqos = sshdKeywords.get('ipqos') as Keyword;
  t.deepEqual(sshdDefault(ipqos, of(902)), ['af21 cs1']);
  t.deepEqual(sshdDefault(ipqos, of(902, {vendor: 'debian'})), ['lowdelay throughput']);
  t.deepEqual(sshdDefault(ipqos, of(1001)), ['ef cs0']);
});

for (const [line, parsed] of [
  ['PermitRootLogin = "no" # x', {keyword: 'PermitRootLogin', arguments: ['no']}],
  ['  # a note', null],
  ['AllowUsers a "b c" d\\ e', {keyword: 'AllowUsers', arguments: ['a', 'b c', 'd e']}],
  ['AllowUsers "a', {problem: 'a quote is never closed'}],
  ['PermitRootLogin', {problem: 'no argument after "PermitRootLogin"'}],
] as const) {
  test(`parseSshdLine() reads ${JSON.stringify(line)}`, t => {
    const found = parseSshdLine(line);
    if (parsed === null) t.is(found, null);
    else t.like(found, parsed);
  });
}

const interactive = async (version: number, text: string) => {
  const loader = new SshdLoader(new Reading(memoryHost({files: {'/c': text}})), of(version));
  await loader.load('/c');
  const fact = evaluateSshd(sshdKeywords.get('kbdinteractiveauthentication') as Keyword, loader.settings, of(version));
  return fact.values[0]?.value ?? (fact.default !== null && 'value' in fact.default ? fact.default.value : null);
};

test('evaluateSshd() knows the two keywords that were one before 8.7', async t => {
  t.is(await interactive(806, 'KbdInteractiveAuthentication no\n'), 'yes');
  t.is(await interactive(806, 'ChallengeResponseAuthentication no\n'), 'no');
  t.is(await interactive(806, 'ChallengeResponseAuthentication no\nKbdInteractiveAuthentication yes\n'), 'yes');
  t.is(await interactive(902, 'KbdInteractiveAuthentication no\n'), 'no');
  t.is(await interactive(902, 'ChallengeResponseAuthentication no\nKbdInteractiveAuthentication yes\n'), 'no');
});

test('SshdLoader takes a keyword that a newer OpenSSH may know, and refuses it of one that it knows', async t => {
  const load = async (version: number | null) => {
    const reading = new Reading(memoryHost({files: {'/c': 'BrandNew yes\nUsePAM yes\n'}}));
    const loader = new SshdLoader(reading, {...of(0), version});
    await loader.load('/c');
    return reading.unreadable.length;
  };
  t.deepEqual(await Promise.all([load(902), load(1006), load(null)]), [1, 0, 0]);
});

test('isKnown() follows the version, and Red Hat where it was earlier', t => {
  const keyword = sshdKeywords.get('requiredrsasize') as Keyword;
  t.deepEqual(
    [of(900), of(901), of(807, {vendor: 'redhat'}), of(902, {version: null})].map(build => isKnown(keyword, build)),
    [false, true, true, true],
  );
});
