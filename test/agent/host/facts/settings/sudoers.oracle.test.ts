import {join} from 'node:path';
import test from 'ava';
import type {SudoCommand, SudoMember} from '../../../../../agent/host/facts/settings/parse/sudoers.ts';
import {readSudoers} from '../../../../../agent/host/facts/settings/sudoers.ts';
import {localHost} from '../../../../../agent/host/local/host.ts';
import {seeded} from '../../../../helpers/random.ts';
import {ask, writeTree} from '../../../../helpers/settings/tree.ts';

type Json = {[key: string]: unknown};
type Document = {Defaults?: Json[]; User_Specs?: Json[]};

test('readSudoers() says what cvtsudoers says of 120 configurations', async t => {
  for (const text of [tricky, ...randomSudoers(120, 17)]) {
    const root = writeTree(t, {'etc/sudoers': text});
    const said = ask(t, ['cvtsudoers', '-c', '/dev/null', '-e', '-f', 'json', join(root, 'etc/sudoers')]);
    if (said === null) return;
    t.not(said, '', text);
    // cvtsudoers 1.9.13 forgets the braces around these options.
    const theirs = JSON.parse(
      said.replace(/^\s*"run(?:cwd|chroot)": "[^"]*",?\n/gm, '').replace(/,(\s*[\]}])/g, '$1'),
    ) as Document;
    const answer = await readSudoers(localHost(root));
    t.is(answer.state, 'seen', `${text}\n${'reason' in answer ? answer.reason : ''}`);
    if (answer.state !== 'seen') return;
    const {rules, defaults} = answer.value;
    t.deepEqual(
      rules.flatMap(rule =>
        rule.commands.map(command => ({
          users: rule.users.map(member),
          hosts: rule.hosts.map(member),
          as: [...(rule.runAs?.users ?? []), ...(rule.runAs?.groups ?? []).map(asGroup)].map(member),
          tags: statedTags(rule.tags),
          command: commandText(command),
        })),
      ),
      theirRules(theirs),
      text,
    );
    t.deepEqual(
      defaults.map(
        ({scope, name, operator, value}) =>
          `${[...(scope?.members ?? []).map(member), ...(scope?.commands ?? []).map(commandText)].join()} ${name}${operator}${value}`,
      ),
      theirDefaults(theirs),
      text,
    );
  }
});

test('readSudoers() refuses what cvtsudoers refuses', async t => {
  const broken = [
    'root ALL',
    'root ALL=(ALL ALL',
    'Defaults:',
    'User_Alias lower = x',
    '= ALL',
    'root ALL = NOPASSWD:',
    'Defaults secure_path="open',
    'Cmnd_Alias X = relative/path',
    'bob ALL=(root) ALL extra',
  ];
  for (const text of broken) {
    const root = writeTree(t, {'etc/sudoers': `${text}\n`});
    const said = ask(t, ['sh', '-c', `cvtsudoers -c /dev/null -f json ${root}/etc/sudoers 2>&1; echo`]);
    if (said === null) return;
    if (said.includes('not found')) {
      t.log('skipped: not compared, cvtsudoers is not installed');
      t.pass();
      return;
    }
    t.regex(said, /syntax error|expected|unterminated|unexpected|invalid/i, text);
    t.is((await readSudoers(localHost(root))).state, 'unseen', text);
  }
});

const tricky = `# a note \\
Defaults env_reset, !mail_badpass,   timestamp_timeout = 5
Defaults	secure_path="/usr/sbin:/usr/bin"
Defaults env_keep += "LANG LC_ALL", env_keep -= X, badpass_message="no, \\"sir\\""
Defaults:alice,%wheel, !bob !authenticate
Defaults@web1 log_output
Defaults>root,#0 timestamp_timeout=5
Defaults!/usr/bin/less,SHELLS noexec
User_Alias ADMINS = %wheel, !carol, #1000, %#100, +net, "%domain users" : OPS = ADMINS, dave
Cmnd_Alias SHELLS = /bin/sh, /bin/bash, !/bin/rbash
Runas_Alias DB = postgres, !root
Host_Alias WEB = web1, 10.0.0.0/8, fe80::1
root ALL=(ALL:ALL) ALL
OPS WEB = (DB) NOPASSWD: NOEXEC: /usr/bin/systemctl restart nginx, PASSWD: SHELLS, !SHELLS, \\
  (root : adm) CWD=/tmp /usr/bin/vi /etc/a\\,b  c\\:d : db1 = SETENV : sudoedit /etc/motd
bob ALL = (:adm) sha256:b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c /bin/x, /opt/dir/, /bin/y ""
#1000 ALL=(ALL) NOPASSWD:ALL # all of it
al\\ ice,!!eve ALL = LOG_INPUT: LOG_OUTPUT: MAIL: FOLLOW: /bin/*
`;

function randomSudoers(count: number, seed: number): string[] {
  const below = seeded(seed);
  const pick = <T>(list: T[]): T => list[below(list.length)] as T;
  const some = (make: () => string, most: number) =>
    Array.from({length: 1 + below(most)}, make).join(pick([',', ', ', ' , ']));
  const user = () =>
    pick(['', '', '', '!']) +
    pick(['alice', 'bob', '%wheel', '#1000', '%#10', '+net', 'ADMINS', 'ALL', '"%my group"', 'x\\=y']);
  const host = () =>
    pick(['', '', '!']) + pick(['ALL', 'web1', '10.0.0.0/8', '10.0.0.1', 'WEB', '+hosts', 'db-1.example.com']);
  const command = () =>
    pick(['', '', '!']) +
    pick([
      'ALL',
      '/bin/ls',
      '/bin/ls -l /tmp',
      '/usr/bin/vi /etc/a\\,b',
      'SHELLS',
      'sudoedit /etc/motd',
      '/opt/bin/',
      '/bin/x ""',
      '/bin/echo \\*',
    ]);
  const tag = () =>
    pick([
      '',
      '',
      '',
      'NOPASSWD:',
      'PASSWD: ',
      'NOEXEC: ',
      'SETENV:',
      'NOSETENV: ',
      'LOG_OUTPUT: ',
      'NOPASSWD: NOEXEC: ',
    ]);
  const as = () => pick(['', '', '(root) ', '(ALL:ALL) ', '(DB) ', '(:adm)', '(www-data, !root : adm,tty) ']);
  const spec = () => `${as()}${tag()}${command()}`;
  const line = () =>
    pick([
      () => `${some(user, 3)} ${some(host, 2)} = ${some(spec, 3)}`,
      () => `${some(user, 2)} ${host()}=${spec()} : ${host()} = ${spec()}`,
      () => `${some(user, 2)}\t${host()} = ${spec()}, \\\n\t${spec()} # note`,
      () =>
        `Defaults${pick(['', '', ':alice,bob', '@web1', '>root', '!/bin/ls'])} ${pick(['env_reset', '!lecture', 'passwd_tries=3', 'env_keep+="A B"', 'logfile=/var/log/sudo.log, use_pty', 'iolog_dir="/x y"'])}`,
      () => pick(['# a note', '', '   ']),
    ])();
  const head =
    'User_Alias ADMINS = carol, !dave\nCmnd_Alias SHELLS = /bin/sh, /bin/bash\nRunas_Alias DB = postgres\nHost_Alias WEB = web1, web2\n';
  return Array.from(
    {length: count},
    () => `${head}${Array.from({length: 1 + below(6)}, line).join('\n')}\nroot ALL = (ALL) ALL\n`,
  );
}

/** ALL implies SETENV, which cvtsudoers writes out, at times for the command after it too; reeve says what is written. */
const statedTags = (tags: Array<string | undefined>) => tags.filter(tag => tag !== 'SETENV' && tag !== 'NOSETENV');

const asGroup = (group: SudoMember): SudoMember => (group.kind === 'user' ? {...group, kind: 'group'} : group);

function member({negated, kind, name}: SudoMember): string {
  const plain = {
    all: 'ALL',
    user: name,
    uid: `#${Number(name)}`,
    group: `%${name}`,
    gid: `%#${Number(name)}`,
    'directory-group': `%:${name}`,
    netgroup: `+${name}`,
    host: name,
    alias: name,
  }[kind];
  return `${negated ? '!' : ''}${plain}`;
}

const commandText = ({negated, text, digests}: SudoCommand): string =>
  `${negated ? '!' : ''}${digests.map(digest => `${digest} `).join('')}${text}`;

function theirMember(entry: Json, group = false): string {
  const [key, value] = Object.entries(entry).find(([name]) => name !== 'negated') as [string, unknown];
  const marks: {[key: string]: string} = {
    userid: '#',
    usergroup: '%',
    usergid: '%#',
    nonunixgroup: '%:',
    netgroup: '+',
  };
  const mark = value === 'ALL' ? '' : (marks[key] ?? (group && key === 'usergroup' ? '%' : ''));
  return `${entry.negated ? '!' : ''}${mark}${value}`;
}

const tagNames: {[option: string]: string} = {
  authenticate: 'PASSWD',
  noexec: 'EXEC',
  setenv: 'SETENV',
  log_input: 'LOG_INPUT',
  log_output: 'LOG_OUTPUT',
  sendmail: 'MAIL',
  send_mail: 'MAIL',
  sudoedit_follow: 'FOLLOW',
  follow: 'FOLLOW',
  intercept: 'INTERCEPT',
};

function theirRules(document: Document): Json[] {
  return (document.User_Specs ?? []).flatMap(spec => {
    const head = {
      users: (spec.User_List as Json[]).map(entry => theirMember(entry)),
      hosts: (spec.Host_List as Json[]).map(entry => theirMember(entry)),
    };
    return (spec.Cmnd_Specs as Json[]).flatMap(part => {
      const as = [
        ...((part.runasusers as Json[] | undefined) ?? []),
        ...((part.runasgroups as Json[] | undefined) ?? []),
      ].map(entry => theirMember(entry, true));
      const tags = ((part.Options as Json[] | undefined) ?? []).map(option => {
        const [name, on] = Object.entries(option)[0] as [string, boolean];
        return (name === 'noexec' ? !on : on) ? tagNames[name] : `NO${tagNames[name]}`;
      });
      return (part.Commands as Json[]).map(entry => {
        const digests = Object.entries(entry)
          .filter(([name]) => name.startsWith('sha'))
          .map(([name, value]) => `${name}:${value} `);
        return {
          ...head,
          as,
          tags: statedTags(tags).sort(),
          command: `${entry.negated ? '!' : ''}${digests.join('')}${entry.command}`,
        };
      });
    });
  });
}

function theirDefaults(document: Document): string[] {
  return (document.Defaults ?? []).flatMap(entry => {
    const binding = ((entry.Binding as Json[] | undefined) ?? []).map(item => theirMember(item)).join();
    return (entry.Options as Json[]).map(option => {
      const [name, value] = Object.entries(option).find(([key]) => key !== 'operation') as [string, unknown];
      const operator = {list_add: '+=', list_remove: '-=', list_assign: '='}[String(option.operation)] ?? '=';
      if (typeof value === 'boolean') return `${binding} ${name}${value ? 'on' : 'off'}`;
      return `${binding} ${name}${operator}${Array.isArray(value) ? value.join(' ') : value}`;
    });
  });
}
