import {readdirSync, readFileSync} from 'node:fs';
import test from 'ava';
import {runCommand} from '../../../../../agent/host/command.ts';
import {parseProfileFile} from '../../../../../agent/host/facts/mac/apparmor-profile.ts';
import {cpuMs} from '../../../../helpers/cpu.ts';

const brief = (text: string) => parseProfileFile(text).map(({name, attach, mode, line}) => [name, attach, mode, line]);

test('parseProfileFile() reads names, attachments and flags', t => {
  t.deepEqual(brief('# a comment {\nprofile web /opt/{bin,sbin}/web* flags=(attach_disconnected,complain) {\n}\n'), [
    ['web', '/opt/{bin,sbin}/web*', 'complain', 2],
  ]);
  t.deepEqual(brief('/usr/sbin/x {\n}\n'), [['/usr/sbin/x', '/usr/sbin/x', 'enforce', 1]]);
  t.deepEqual(brief('"/usr/bin/with space" (kill) {\n}\n'), [
    ['/usr/bin/with space', '/usr/bin/with space', 'kill', 1],
  ]);
  t.deepEqual(brief('profile a xattrs=(security.x="y") flags=(unconfined) {\n  userns,\n}\n'), [
    ['a', null, 'unconfined', 1],
  ]);
  t.deepEqual(brief('profile one { userns, }\nprofile two {\n}\n'), [
    ['one', null, 'enforce', 1],
    ['two', null, 'enforce', 2],
  ]);
  t.deepEqual(brief('profile later\n  /usr/bin/later\n{\n}\n'), [['later', '/usr/bin/later', 'enforce', 1]]);
});

test('parseProfileFile() names children and hats after their parents', t => {
  const text =
    'profile p /p {\n  /etc/{a,b} r,\n  profile c /c flags=(complain) {\n    /x r,\n  }\n  ^hat {\n  }\n  hat other {\n  }\n  if $x {\n    /y r,\n  } else {\n    /z r,\n  }\n  profile last {\n  }\n}\n';
  t.deepEqual(
    parseProfileFile(text).map(({name}) => name),
    ['p', 'p//c', 'p//hat', 'p//other', 'p//last'],
  );
});

test('parseProfileFile() passes over includes, variables and aliases', t => {
  t.deepEqual(
    brief(
      'abi <abi/4.0>,\n#include <tunables/global>\ninclude if exists <local/x>\n@{exe}=/usr/bin/x /opt/{a,b}/x\nalias /a -> /b,\n@{exe} {\n}\n',
    ),
    [['@{exe}', '@{exe}', 'enforce', 6]],
  );
});

test('parseProfileFile() takes bounded time for hostile text', t => {
  const started = process.cpuUsage();
  parseProfileFile(
    `${'profile '.repeat(100_000)}\n${' {'.repeat(100_000)}\n${'/a\n'.repeat(50_000)}${'flags=('.repeat(50_000)}{`,
  );
  t.true(cpuMs(started) < 5000);
});

test('parseProfileFile() finds the profiles that apparmor_parser finds in the profiles of this machine', async t => {
  const folder = '/etc/apparmor.d';
  const files = listFiles(folder);
  const ours: string[] = [];
  const theirs: string[] = [];
  for (const file of files) {
    const result = await runCommand(['/sbin/apparmor_parser', '-N', `${folder}/${file}`]);
    if (result.exitCode === null) {
      t.log(`skipped: not compared, ${result.reason}; install apparmor to compare`);
      return t.pass();
    }
    if (result.failed) continue;
    theirs.push(...result.stdout.split('\n').filter(name => name !== ''));
    ours.push(...parseProfileFile(readFileSync(`${folder}/${file}`, 'utf8')).map(({name}) => name));
  }
  t.log(`${theirs.length} profiles in ${files.length} files compared`);
  return t.deepEqual(ours.sort(), theirs.sort());
});

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder, {withFileTypes: true})
      .filter(entry => entry.isFile())
      .map(({name}) => name);
  } catch {
    return [];
  }
}
