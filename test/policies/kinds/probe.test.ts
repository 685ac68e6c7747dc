import test from 'ava';
import {checkHost} from '../../../agent/check.ts';
import type {Fixture} from '../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../agent/host/memory/host.ts';
import type {Finding} from '../../../policies/finding.ts';
import {probeKind} from '../../../policies/kinds/probe.ts';
import {ruleOf} from '../../helpers/rule.ts';

const argv: [string, ...string[]] = ['/usr/bin/tool', '--json'];
const files: NonNullable<Fixture['files']> = {
  '/etc/passwd': 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\nadmin:x:0:0::/:/bin/sh\n',
  '/usr/bin/tool': {mode: '0755', content: ''},
};
const stdout = JSON.stringify({status: {ok: true, list: ['a', 'b']}, nodes: [{name: 'n1'}], nothing: null});

async function judge(fixture: Fixture, check: object): Promise<Finding> {
  const machine = {...fixture, files: {...files, ...fixture.files}, commands: fixture.commands ?? [{argv, stdout}]};
  const [finding] = await checkHost(memoryHost(machine), [ruleOf('probe', check)]);
  if (finding === undefined) throw new Error('no finding');
  return finding;
}

const json = {json: {'status.ok': {is: true}, 'nodes.0.name': {is: 'n1'}}};
const rows: Array<[title: string, check: object, fixture: Fixture, verdict: Finding['verdict'], like?: object]> = [
  [
    'fields of JSON',
    json,
    {},
    'pass',
    {actual: {'exit status': '0', 'status.ok': 'true', 'nodes.0.name': 'n1'}, where: ['/usr/bin/tool --json']},
  ],
  ['a field with another value', {json: {'status.ok': {is: false}}}, {}, 'fail'],
  ['a list', {json: {'status.list': {contains: ['b']}}}, {}, 'pass'],
  [
    'fields that are not there, or inherited',
    {json: {'status.no': {present: false}, 'nodes.0.constructor': {present: false}, nothing: {present: false}}},
    {},
    'pass',
  ],
  ['a wanted exit status', {exit: [1, 2]}, {commands: [{argv, exit: 2}]}, 'pass'],
  [
    'another exit status',
    {exit: 0},
    {commands: [{argv, exit: 4, stderr: 'no such cluster\nmore'}]},
    'fail',
    {actual: {'exit status': '4 (no such cluster)'}},
  ],
  [
    'an exit status that makes the output worthless',
    json,
    {commands: [{argv, exit: 1}]},
    'fail',
    {wrong: ['exit status']},
  ],
  ['output that is no JSON', json, {commands: [{argv, stdout: 'ok'}]}, 'unknown'],
  ['no answer in time', {exit: 0}, {commands: [{argv, timed_out: true}]}, 'unknown'],
  [
    'a program that is not installed',
    {exit: 0},
    {files: {'/usr/bin/tool': null}},
    'not-applicable',
    {reason: '/usr/bin/tool is not installed'},
  ],
  ['an image', {exit: 0}, {as: 'image'}, 'not-applicable'],
  [
    'a program of somebody else',
    {exit: 0},
    {files: {'/usr/bin/tool': {mode: '0755', uid: 7, content: ''}}},
    'unknown',
    {reason: "cannot run /usr/bin/tool: /usr/bin/tool belongs to uid 7, must be root's"},
  ],
  ['a program that a group may write', {exit: 0}, {files: {'/usr/bin/tool': {mode: '0775', content: ''}}}, 'unknown'],
  [
    'a directory that others may write',
    {exit: 0},
    {files: {'/usr/bin/': {mode: '1777'}}},
    'unknown',
    {reason: 'cannot run /usr/bin/tool: /usr/bin can be written by others than root (mode 1777)'},
  ],
  [
    'a set-id program',
    {exit: 0},
    {files: {'/usr/bin/tool': {mode: '4755', content: ''}}},
    'unknown',
    {reason: 'cannot run /usr/bin/tool: /usr/bin/tool is set-id'},
  ],
  [
    'a link to a shell',
    {exit: 0},
    {files: {'/usr/bin/tool': {link: 'bash'}, '/usr/bin/bash': {mode: '0755', content: ''}}},
    'unknown',
    {reason: 'cannot run /usr/bin/tool: /usr/bin/bash runs whatever it is told to'},
  ],
  [
    'a link out of /usr',
    {exit: 0},
    {files: {'/usr/bin/tool': {link: '/opt/tool'}, '/opt/tool': {mode: '0755', content: ''}}},
    'unknown',
    {reason: 'cannot run /usr/bin/tool: it is a link to /opt/tool, not below /usr'},
  ],
  [
    'a link in a directory that others may write',
    {exit: 0},
    {
      files: {
        '/usr/bin/tool': {link: '../lib/tool'},
        '/usr/lib/tool': {mode: '0755', content: ''},
        '/usr/bin/': {mode: '0777'},
      },
    },
    'unknown',
  ],
  [
    'a user that is not there',
    {exit: 0, user: 'prober'},
    {},
    'unknown',
    {reason: 'cannot run /usr/bin/tool: there is no user "prober"'},
  ],
  [
    'a second name of root',
    {exit: 0, user: 'admin'},
    {},
    'unknown',
    {reason: 'cannot run /usr/bin/tool: user "admin" is root'},
  ],
];
for (const [title, check, fixture, verdict, like] of rows) {
  test(`probe: ${title}`, async t => {
    t.like(await judge(fixture, {command: argv, ...check}), {verdict, ...like});
    if (verdict !== 'pass') return;
    for (const flip of probeKind.flips({command: argv, ...check} as never)) {
      t.is((await judge(fixture, flip.check)).verdict, 'fail', flip.what);
    }
  });
}

const refused: Array<[title: string, check: object, message: RegExp]> = [
  ['a relative path', {command: ['tool'], exit: 0}, /an absolute path below \/usr wanted/],
  ['a path outside /usr', {command: ['/opt/x'], exit: 0}, /below \/usr wanted/],
  ['a path with dots', {command: ['/usr/../opt/x'], exit: 0}, /below \/usr wanted/],
  ['a shell', {command: ['/usr/bin/bash', '-c', 'id'], exit: 0}, /runs whatever it is told to/],
  ['an interpreter with a version', {command: ['/usr/bin/python3.11'], exit: 0}, /runs whatever it is told to/],
  ['a program that runs others', {command: ['/usr/bin/env', 'sh'], exit: 0}, /runs whatever it is told to/],
  ['root', {command: argv, user: 'root', exit: 0}, /never runs as root/],
  ['no expectation', {command: argv}, /nothing is expected/],
  ['an empty expectation', {command: argv, json: {a: {}}}, /nothing is expected/],
  ['a long time', {command: argv, exit: 0, timeout_seconds: 31}, /31/],
];
for (const [title, check, message] of refused) {
  test(`probe: refuses ${title}`, t => {
    t.throws(() => ruleOf('probe', check), {message});
  });
}
