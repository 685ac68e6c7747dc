import {execFile, spawnSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';

const reeve = fileURLToPath(new URL('../../../bin/reeve', import.meta.url));

type Result = {status: number; stdout: string; stderr: string};

function run(...args: string[]): Promise<Result> {
  return new Promise(resolve => {
    execFile(reeve, args, {maxBuffer: 64 * 1024 * 1024}, (error, stdout, stderr) => {
      resolve({status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr});
    });
  });
}

function folder(t: {teardown: (undo: () => void) => void}): string {
  const path = mkdtempSync(join(tmpdir(), 'reeve-'));
  t.teardown(() => rmSync(path, {recursive: true, force: true}));
  return path;
}

/** What an administrator may type wrongly: the status and the first line on standard error. */
const rows: Array<[string[], number, string]> = [
  [['chek'], 2, "reeve: error: unknown command 'chek'"],
  [
    ['check', '--rule', 'no.such-rule'],
    2,
    'reeve: error: there is no rule "no.such-rule": reeve rules lists them [REEVE_RULE_UNKNOWN]',
  ],
  [
    ['check', '--format', 'pdf'],
    2,
    "reeve: error: option '--format <name>' argument 'pdf' is invalid. Allowed choices are table, json, junit, sarif, ocsf, markdown.",
  ],
  [
    ['check', '--root', '/no/such/place'],
    2,
    'reeve: error: cannot judge "/no/such/place": it does not exist or may not be read [REEVE_ROOT_UNUSABLE]',
  ],
  [
    ['check', '--config', '/no/such.yaml'],
    78,
    'reeve: error: cannot load "/no/such.yaml": it does not exist [REEVE_CONFIG_INVALID]',
  ],
  [
    ['packs', 'lint', '/no/such/pack'],
    78,
    'reeve: error: cannot read the pack "/no/such/pack": it does not exist or may not be read [REEVE_PACK_UNREADABLE]',
  ],
  [['explain'], 2, "reeve: error: missing required argument 'rule'"],
];

for (const [args, status, wanted] of rows) {
  test(`reeve ${args.join(' ')} exits ${status}`, async t => {
    const result = await run(...args);
    t.is(result.status, status);
    t.is(result.stderr.split('\n')[0], wanted);
    t.is(result.stdout, '');
  });
}

test('reeve says nothing when its reader stops reading', t => {
  const {stdout, stderr} = spawnSync('/bin/sh', ['-c', `"$1" rules --json | head -c 20`, 'sh', reeve], {
    encoding: 'utf8',
  });
  t.is(stdout.length, 20);
  t.is(stderr, '');
});

test('reeve --help names every command within 80 columns', async t => {
  const {status, stdout} = await run('--help');
  t.is(status, 0);
  for (const name of ['check', 'rules', 'explain', 'packs', 'waivers', 'mac', 'patch', 'config', 'doctor'])
    t.regex(stdout, new RegExp(`^  ${name}\\b`, 'm'));
  t.true(stdout.split('\n').every(line => line.length <= 80));
});

test('reeve check on a broken configuration names all problems and exits 78', async t => {
  const path = join(folder(t), 'agent.yaml');
  writeFileSync(path, 'pakcs: [linux-baseline]\nparams: 3\n', {mode: 0o600});
  const {status, stderr} = await run('check', '--config', path);
  t.is(status, 78);
  t.true(
    stderr.startsWith(
      `${path}:1:1: unknown key "pakcs": did you mean "packs"? [REEVE_KEY_UNKNOWN]\n    pakcs: [linux-baseline]\n    ^\n${path}:2:9: 3 found, a mapping from pack to parameter to value wanted`,
    ),
  );
});

test('reeve check refuses a configuration that others may write', async t => {
  const path = join(folder(t), 'agent.yaml');
  writeFileSync(path, '{}\n');
  const {chmodSync} = await import('node:fs');
  chmodSync(path, 0o666);
  const {status, stderr} = await run('check', '--config', path);
  t.is(status, 78);
  t.is(
    stderr,
    `reeve: error: cannot load "${path}": mode is 0666, group and others must not write it (chmod go-w) [REEVE_CONFIG_INVALID]\n`,
  );
});

test('reeve check on broken waivers, or a broken pack of the site, names all problems and exits 78', async t => {
  const site = folder(t);
  const config = join(folder(t), 'agent.yaml');
  writeFileSync(config, `policies_dir: ${site}\n`, {mode: 0o600});
  const waivers = join(site, 'waivers.yaml');
  writeFileSync(
    waivers,
    'waivers:\n  - {id: A, rule: x, reason: because it is so, owner: me, approved_by: you, expires: soon}\n  - {id: B}\n',
    {mode: 0o600},
  );
  const first = await run('check', '--config', config);
  t.is(first.status, 78);
  t.regex(
    first.stderr,
    /waivers\.yaml:2:\d+: "soon" found, a time with a zone wanted.*\n.*\n +\^\n.*waivers\.yaml:3:5: key "rule" is missing here/,
  );
  rmSync(waivers);
  mkdirSync(join(site, 'ours'), {mode: 0o755});
  writeFileSync(join(site, 'ours/pack.yaml'), 'pack: ours\nversion: one\n', {mode: 0o600});
  const second = await run('check', '--config', config);
  t.is(second.status, 78);
  t.is(second.stdout, '');
  t.regex(
    second.stderr,
    /pack\.yaml:1:1: key "title" is missing here \[REEVE_KEY_MISSING\]\n(.*\n)+.*pack\.yaml:2:10: "one" found, a version such as "1\.2\.0" wanted/,
  );
});

test('reeve config print gives what reeve config check takes back', async t => {
  const path = join(folder(t), 'agent.yaml');
  const printed = await run('config', 'print');
  writeFileSync(path, printed.stdout, {mode: 0o600});
  t.is((await run('config', 'check', '--config', path)).status, 0);
  t.is((await run('config', 'print', '--config', path)).stdout, printed.stdout);
});

test('reeve check --root judges a tree, changes nothing in it, and prints one JSON document', async t => {
  const root = folder(t);
  mkdirSync(join(root, 'etc'));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\n');
  const {status, stdout, stderr} = await run('check', '--root', root, '--json');
  t.true([0, 1, 3].includes(status), stderr);
  const document = JSON.parse(stdout);
  t.like(document.host, {live: false, root});
  t.is(document.findings.filter(({verdict}: {verdict: string}) => verdict === 'error').length, 0);
});
