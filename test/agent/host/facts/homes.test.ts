import test from 'ava';
import {collectFacts} from '../../../../agent/host/facts/collect.ts';
import {localHost} from '../../../../agent/host/local/host.ts';
import type {Fixture} from '../../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../../agent/host/memory/host.ts';
import type {HomeFact, HomesRequest} from '../../../../policies/facts/homes.ts';

const passwd = 'root:*:0:0::/root:/bin/sh\nalice:*:1000:1000::/home/alice:/bin/sh\ndaemon:*:2:2::/:/usr/sbin/nologin\n';

const homesOf = (request: Partial<HomesRequest>): HomesRequest & {fact: 'homes'} => ({
  fact: 'homes',
  who: 'all',
  except: [],
  files: [],
  ...request,
});

async function lookAt(
  files: Fixture['files'],
  request: Partial<HomesRequest>,
  over: Fixture = {},
): Promise<HomeFact[]> {
  const wanted = homesOf({who: 'people', ...request});
  const host = memoryHost({...over, files: {'/etc/passwd': passwd, '/etc/group': '', ...files}});
  const answer = (await collectFacts(host, [wanted])).facts.get(wanted);
  if (answer.state !== 'seen') throw new Error(`${answer.state}: ${answer.reason}`);
  return answer.value;
}
const summary = ({directory, files}: HomeFact) => ({
  home: directory.state,
  files: files.map(({asked, entry}) => [
    asked,
    entry.path,
    entry.state === 'seen' ? entry.stat.mode.toString(8) : entry.reason,
  ]),
});

test('collectHomes() looks at homes and the files asked for, and leaves out what is not there', async t => {
  const [alice] = await lookAt(
    {
      '/home/alice/': {mode: '0750', uid: 1000},
      '/home/alice/.ssh/': {mode: '0700'},
      '/home/alice/.ssh/authorized_keys': {mode: '0600'},
      '/home/alice/.profile': '',
    },
    {files: ['.ssh/authorized_keys', '.netrc', '.*']},
  );
  t.deepEqual(summary(alice as HomeFact), {
    home: 'seen',
    files: [
      ['.ssh/authorized_keys', '/home/alice/.ssh/authorized_keys', '600'],
      ['.*', '/home/alice/.profile', '644'],
      ['.*', '/home/alice/.ssh', '700'],
    ],
  });
});

test('collectHomes() follows no link inside a home', async t => {
  const [alice] = await lookAt(
    {
      '/home/alice/': {},
      '/home/alice/.ssh': {link: '/etc/ssh'},
      '/etc/ssh/authorized_keys': {mode: '0600'},
      '/home/alice/.netrc': {link: '/etc/shadow'},
      '/etc/shadow': {mode: '0640'},
    },
    {files: ['.ssh/authorized_keys', '.netrc']},
  );
  t.deepEqual(
    alice?.files.map(({entry}) => [entry.state, entry.state === 'seen' ? entry.stat.type : entry.reason]),
    [
      ['unseen', '/home/alice/.ssh is a link to /etc/ssh, and links in homes are not followed'],
      ['seen', 'link'],
    ],
  );
});

test('collectHomes() follows a link that leads to the home itself', async t => {
  const [alice] = await lookAt(
    {'/home/alice': {link: '/data/alice'}, '/data/alice/': {mode: '0711'}, '/data/alice/.rhosts': ''},
    {files: ['.rhosts']},
  );
  t.deepEqual(summary(alice as HomeFact).files, [['.rhosts', '/data/alice/.rhosts', '644']]);
});

for (const [what, files, state] of [
  ['is missing', {}, 'absent'],
  ['lies on a mount that has ended', {'/home/alice': {error: 'ENOTCONN'}}, 'unseen'],
  ['lies on a mount that never answers', {'/home/alice': {error: 'ETIMEDOUT'}}, 'unseen'],
  ['may not be looked at', {'/home/': {mode: '0700'}, '/home/alice/': {}}, 'unseen'],
] as const) {
  test(`collectHomes() gives a home that ${what} as ${state}`, async t => {
    const [alice] = await lookAt(files as Fixture['files'], {files: ['.rhosts']}, {looker: 1001});
    t.is(alice?.directory.state, state);
    t.deepEqual(alice?.files, []);
  });
}

test('collectHomes() gives files behind an unreadable directory as unseen', async t => {
  const [alice] = await lookAt(
    {
      '/home/alice/': {mode: '0711', uid: 1000},
      '/home/alice/.ssh/': {mode: '0700', uid: 1000},
      '/home/alice/.ssh/authorized_keys': '',
    },
    {files: ['.ssh/authorized_keys', '.*']},
    {looker: 1001},
  );
  t.deepEqual(
    alice?.files.map(({entry}) => entry.state),
    ['unseen', 'unseen'],
  );
});

test('collectHomes() takes those users that were asked for', async t => {
  const names = async (request: Partial<HomesRequest>) => (await lookAt({}, request)).map(({user}) => user);
  t.deepEqual(await names({who: 'all'}), ['root', 'alice', 'daemon']);
  t.deepEqual(await names({who: 'login', except: ['root']}), ['alice']);
  t.deepEqual(await names({who: 'system'}), ['daemon']);
  t.deepEqual(await names({who: ['daemon', 'nobody']}), ['daemon']);
});

test('collectHomes() is unseen without a passwd', async t => {
  const wanted = homesOf({who: 'all', files: []});
  const host = memoryHost({files: {'/etc/passwd': {read_error: 'EIO'}}});
  t.is((await collectFacts(host, [wanted])).facts.get(wanted).state, 'unseen');
});

test('collectHomes() sees the home of root on this machine, or says why not', async t => {
  const wanted = homesOf({who: 'root', files: ['.*']});
  const answer = (await collectFacts(localHost('/'), [wanted])).facts.get(wanted);
  t.is(answer.state, 'seen');
  const root = answer.state === 'seen' ? answer.value.find(({user}) => user === 'root') : undefined;
  t.is(root?.directory.state, 'seen');
});
