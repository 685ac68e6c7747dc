import test from 'ava';
import {readAptRepositories} from '../../../../agent/host/facts/apt/signatures.ts';
import {readDnfRepositories} from '../../../../agent/host/facts/dnf/signatures.ts';
import type {Fixture} from '../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../agent/host/memory/host.ts';
import type {Answer} from '../../../../policies/facts/answer.ts';
import type {RepositoriesFact} from '../../../../policies/facts/patch.ts';

const aptAnswer = (files: NonNullable<Fixture['files']>) => readAptRepositories(memoryHost({files}), 'amd64');
const dnfAnswer = (files: NonNullable<Fixture['files']>) => readDnfRepositories(memoryHost({files}));

const brief = (answer: Answer<RepositoriesFact>) =>
  answer.state === 'seen'
    ? [
        ...answer.value.settings.map(({what, where}) => `${what} at ${where}`),
        ...answer.value.repositories.map(
          ({name, where, enabled, unsigned}) =>
            `${enabled ? '' : 'off '}${name} at ${where}: ${unsigned.join(', ') || 'signed'}`,
        ),
      ]
    : `${answer.state}: ${answer.reason}`;

test('readAptRepositories() finds options that do away with signatures', async t => {
  const files = {
    '/etc/apt/sources.list':
      'deb http://a/ s main\ndeb [trusted=yes arch=amd64] http://user:secret@b/ s main\ndeb [allow-insecure=yes allow-weak=no] http://c/ s main\n',
    '/etc/apt/sources.list.d/d.sources':
      'Types: deb\nURIs: http://d/\nSuites: s\nComponents: main\nTrusted: yes\n\nEnabled: no\nTypes: deb\nURIs: http://e/\nSuites: s\nComponents: main\nAllow-Downgrade-To-Insecure: yes\n',
  };
  t.deepEqual(brief(await aptAnswer(files)), [
    'http://a/ s at /etc/apt/sources.list:1: signed',
    'http://b/ s at /etc/apt/sources.list:2: trusted=yes',
    'http://c/ s at /etc/apt/sources.list:3: allow-insecure=yes',
    'http://d/ s at /etc/apt/sources.list.d/d.sources:1: trusted=yes',
    'off http://e/ s at /etc/apt/sources.list.d/d.sources:7: allow-downgrade-to-insecure=yes',
  ]);
});

test('readAptRepositories() finds settings that do so for all', async t => {
  const files = {
    '/etc/apt/sources.list': 'deb http://a/ s main\n',
    '/etc/apt/apt.conf.d/99x':
      'APT::Get::AllowUnauthenticated "true";\nAcquire { AllowInsecureRepositories "1"; AllowWeakRepositories "no"; };\n',
  };
  t.deepEqual(brief(await aptAnswer(files)), [
    'APT::Get::AllowUnauthenticated "true" at /etc/apt/apt.conf.d/99x:1',
    'Acquire::AllowInsecureRepositories "1" at /etc/apt/apt.conf.d/99x:2',
    'http://a/ s at /etc/apt/sources.list:1: signed',
  ]);
});

test('readAptRepositories() is absent without sources and unseen with broken ones', async t => {
  t.is(brief(await aptAnswer({'/etc/apt/': {mode: '0755'}})), 'absent: no repository is configured in apt');
  t.regex(String(brief(await aptAnswer({'/etc/apt/sources.list': 'deb x\n'}))), /^unseen: cannot read/);
});

test('readDnfRepositories() finds repositories without gpgcheck, by their own word or dnf.conf', async t => {
  const repositories = {
    '/etc/yum.repos.d/a.repo':
      '[base]\nenabled=1\n\n[loose]\ngpgcheck=0\n\n[idle]\nenabled=0\ngpgcheck=no\n\n[strict]\ngpgcheck=1\n',
  };
  t.deepEqual(brief(await dnfAnswer({'/etc/dnf/dnf.conf': '[main]\ngpgcheck=1\n', ...repositories})), [
    'base at /etc/yum.repos.d/a.repo:2: signed',
    'loose at /etc/yum.repos.d/a.repo:5: gpgcheck=0 (/etc/yum.repos.d/a.repo:5)',
    'off idle at /etc/yum.repos.d/a.repo:8: gpgcheck=no (/etc/yum.repos.d/a.repo:9)',
    'strict at /etc/yum.repos.d/a.repo:12: signed',
  ]);
  const [first, second] = brief(await dnfAnswer({'/etc/dnf/dnf.conf': '[main]\ngpgcheck=False\n', ...repositories}));
  t.is(first, 'gpgcheck=False at /etc/dnf/dnf.conf:2');
  t.is(second, 'base at /etc/yum.repos.d/a.repo:2: gpgcheck=False (/etc/dnf/dnf.conf:2)');
  t.regex(String(brief(await dnfAnswer(repositories))), /base .*: gpgcheck is not set, and off by default/);
});

test('readDnfRepositories() is absent without configuration', async t => {
  t.is((await dnfAnswer({})).state, 'absent');
});
