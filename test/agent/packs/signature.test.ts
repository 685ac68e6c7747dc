import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import test from 'ava';
import {parseAllowedSigners} from '../../../agent/packs/allowed-signers.ts';
import {isPackSigned, packManifest} from '../../../agent/packs/signature.ts';
import {SshKeygen} from '../../helpers/ssh-keygen.ts';

const now = Date.parse('2026-11-21T12:00:00Z');
const files = [
  {name: 'pack.yaml', text: 'pack: demo\n'},
  {name: 'ssh.yaml', text: 'area: ssh\n# é\n'},
];

function signedPack() {
  const ssh = new SshKeygen();
  const key = ssh.key('k', ['ed25519']);
  return {ssh, key, signature: ssh.sign('k', packManifest(files))};
}

test('packManifest() is what sha256sum(1) and sort(1) write', t => {
  const ssh = new SshKeygen();
  t.teardown(() => ssh.remove());
  for (const {name, text} of files) ssh.write(name, text);
  const shell = '{ echo reeve-pack-1; sha256sum *.yaml | LC_ALL=C sort; }';
  t.is(packManifest(files), execFileSync('/bin/sh', ['-c', shell], {cwd: ssh.folder, encoding: 'utf8'}));
  t.is(packManifest(files.toReversed()), packManifest(files));
});

test('isPackSigned() accepts what a trusted key signed, whatever the order of the files', t => {
  const {ssh, key, signature} = signedPack();
  t.teardown(() => ssh.remove());
  t.deepEqual(isPackSigned(files.toReversed(), signature, `# keys\n\nops@example.org ${key} my laptop\n`, now), {
    signed: true,
    by: 'ops@example.org',
  });
});

test('isPackSigned() and ssh-keygen decide the same about each line of trusted keys', t => {
  const {ssh, key, signature} = signedPack();
  t.teardown(() => ssh.remove());
  const other = ssh.key('other', ['ed25519']);
  const manifest = packManifest(files);
  const lines: Array<[line: string, accepted: boolean]> = [
    [`ops ${key}`, true],
    [`ops namespaces="reeve-pack" ${key}`, true],
    [`ops namespaces="git,reeve-*" ${key}`, true],
    [`ops namespaces="git" ${key}`, false],
    [`ops valid-before="20200101Z" ${key}`, false],
    [`ops valid-after="20200101Z",valid-before="20990101000000Z" ${key}`, true],
    [`ops valid-after="20990101Z" ${key}`, false],
    [`ops ${other}`, false],
    [`ops cert-authority ${key}`, false],
    ['', false],
  ];
  for (const [line, accepted] of lines) {
    t.is(isPackSigned(files, signature, line, Date.now()).signed, accepted, line);
    t.is(ssh.verifies(`${line}\n`, 'ops', signature, manifest), accepted, `ssh-keygen: ${line}`);
  }
});

test('isPackSigned() tries every line of a key, and says who signed', t => {
  const {ssh, key, signature} = signedPack();
  t.teardown(() => ssh.remove());
  const keys = `old valid-before="20200101Z" ${key}\n"Ops Team" ${key}\n`;
  t.deepEqual(isPackSigned(files, signature, keys, now), {signed: true, by: 'Ops Team'});
});

test('isPackSigned() refuses a file more, a file less, a file changed or renamed', t => {
  const {ssh, key, signature} = signedPack();
  t.teardown(() => ssh.remove());
  const [main, area] = files as [(typeof files)[0], (typeof files)[0]];
  for (const changed of [
    [main],
    [main, area, {name: 'more.yaml', text: ''}],
    [main, {...area, text: `${area.text} `}],
    [main, {...area, name: 'sshd.yaml'}],
    [],
  ]) {
    t.deepEqual(isPackSigned(changed, signature, `ops ${key}`, now), {
      signed: false,
      reason: 'the signature does not fit the content',
    });
  }
});

test('isPackSigned() refuses a signature that was made for something else', t => {
  const {ssh, key} = signedPack();
  t.teardown(() => ssh.remove());
  const signature = ssh.sign('k', packManifest(files), {namespace: 'git'});
  t.deepEqual(isPackSigned(files, signature, `ops ${key}`, now), {
    signed: false,
    reason: 'the signature is for "git", not for "reeve-pack"',
  });
});

test('isPackSigned() says what is missing', t => {
  const {ssh, key, signature} = signedPack();
  t.teardown(() => ssh.remove());
  const reason = (...args: Parameters<typeof isPackSigned>) => {
    const result = isPackSigned(...args);
    return result.signed ? 'signed' : result.reason;
  };
  t.is(reason(files, null, `ops ${key}`, now), 'it has no pack.sig');
  t.is(reason(files, signature, null, now), 'this host trusts no keys for packs');
  t.is(
    reason([{name: 'a\nb.yaml', text: ''}], signature, `ops ${key}`, now),
    '"a\nb.yaml" is no name for a file of a signed pack',
  );
  t.is(reason([...files, ...files], signature, `ops ${key}`, now), 'two of its files have the same name');
  t.regex(reason(files, signature, 'ops ssh-ed25519 AAAA', now), /line 1 of the keys cannot be used/);
  t.regex(
    reason(files, readFileSync(ssh.write('x', 'x'), 'utf8'), `ops ${key}`, now),
    /not one of "ssh-keygen -Y sign"/,
  );
});

test('parseAllowedSigners() says what is wrong with each line that it cannot use', t => {
  const {ssh, key} = signedPack();
  t.teardown(() => ssh.remove());
  const text = [
    `ops ${key}`,
    'only-a-name',
    `ops valid-before="20270101" ${key}`,
    `ops valid-before="20271301Z" ${key}`,
    `ops namespaces="!git" ${key}`,
    `ops no-such-option="1" ${key}`,
    key.replace('ssh-ed25519', 'ops ssh-rsa'),
    `  # indented comment`,
  ].join('\n');
  const {signers, problems} = parseAllowedSigners(text);
  t.is(signers.length, 1);
  t.deepEqual(
    problems.map(({line}) => line),
    [2, 3, 4, 5, 6, 7],
  );
  t.regex(problems[1]?.message ?? '', /a UTC time such as/);
});
