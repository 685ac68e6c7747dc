import {chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createServer, type Server} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {isToken, readJoinTicket} from '../../../controller/protocol/join.ts';
import {makeUpWorld, RunningUp, runReeve, type UpWorld} from '../../helpers/up.ts';

let world: UpWorld;
let up: RunningUp;
let base: string;
let folder: string;

test.before(async () => {
  world = makeUpWorld();
  folder = mkdtempSync(join(tmpdir(), 'reeve-cli-'));
  up = new RunningUp(world.args);
  ({base} = await up.ready());
  // The link says how it is once a second at most.
  await up.until(async () => {
    const {stream, link} = JSON.parse((await runReeve(['status', ...here(), '--json'])).stdout);
    return link?.connected && link.acknowledged?.n === stream.at.n;
  });
});
test.after.always(async () => {
  await up?.stop('SIGTERM');
  world?.remove();
  rmSync(folder, {recursive: true, force: true});
});

const here = () => ['--state', world.state];
const fits = (text: string) => text.split('\n').every(line => line.length <= 80);

test.serial('reeve status says how the agent and its connection are', async t => {
  const {status, stdout, stderr} = await runReeve(['status', ...here()]);
  t.is(status, 0, stdout + stderr);
  t.true(fits(stdout), stdout);
  for (const line of [
    /^agent {7}\S+, reeve \d+\.\d+\.\d+, pid \d+, started \d+ (s|min) ago$/m,
    /^findings {4}1 fail$/m,
    /^packs {7}tiny 1\.0\.0, 1 rule, judged \d+ s ago in \d+\.\d s, next in \d+ (s|min)$/m,
    /^watched {5}\d+ paths? for 1 rule$/m,
    /^controller {2}wss:\/\/127\.0\.0\.1:\d+\/agent, as [0-9a-f-]{36}$/m,
    /^link {8}connected since \d+ s ago$/m,
    /^report {6}(\d+) of \1 acknowledged$/m,
  ])
    t.regex(stdout, line);
  const {stdout: json} = await runReeve(['status', ...here(), '--json']);
  const value = JSON.parse(json);
  t.like(value, {state: 'running', problems: [], counts: {fail: 1}, refused: null});
  t.deepEqual(value.link.acknowledged, value.stream.at);
});

test.serial('reeve status by --run asks the same agent', async t => {
  const {status} = await runReeve(['status', '--run', join(world.state, 'run')]);
  t.is(status, 0);
});

test.serial('reeve status exits 3 where no agent runs', async t => {
  const {status, stdout, stderr} = await runReeve(['status', '--run', folder]);
  t.is(status, 3);
  t.is(stdout, '');
  t.regex(stderr, /no agent runs there \[REEVE_AGENT_UNREACHABLE\]\nreeve: hint: /);
  const {status: again, stdout: json} = await runReeve(['status', '--run', folder, '--json']);
  t.is(again, 3);
  t.is(JSON.parse(json).state, 'not running');
});

test.serial('reeve findings shows what the running agent found, without looking', async t => {
  const {status, stdout, stderr} = await runReeve(['findings', ...here()]);
  t.is(status, 1, stderr);
  t.true(fits(stdout.replace(world.file, '')), stdout);
  t.regex(stdout, /^FAIL {4}high {5}tiny\.secret\n {8}Nobody else reads the secret$/m);
  t.regex(stdout, /^tiny {9}0 {5}1 /m);
  const none = await runReeve(['findings', ...here(), '--verdict', 'pass', '--json']);
  t.is(none.status, 0);
  t.deepEqual(JSON.parse(none.stdout).findings, []);
  const wrong = await runReeve(['findings', ...here(), '--severity', 'huge']);
  t.is(wrong.status, 2);
  t.regex(wrong.stderr, /"huge" is no severity: one of info, low, medium, high, critical is wanted/);
});

test.serial('a token is made, used, listed and revoked', async t => {
  const path = join(folder, 'token');
  const made = await runReeve(['token', 'create', '--kind', 'api', '--name', 'the test', '--expires', '1h', ...here()]);
  t.is(made.status, 0, made.stderr);
  t.true(isToken('api', made.stdout.trim()), 'standard output is the token alone');
  t.notRegex(made.stderr, /reeve_api_/);
  writeFileSync(path, made.stdout, {mode: 0o600});
  const remote = ['--controller', base, '--token-file', path];

  const hosts = await runReeve(['hosts', ...remote]);
  t.is(hosts.status, 0, hosts.stderr);
  t.true(fits(hosts.stdout), hosts.stdout);
  t.regex(hosts.stdout, /^\S+ +connected +1 +0 +0 +\S/m);
  t.regex(hosts.stdout, /^1 host at http:\/\/127\.0\.0\.1:\d+\.$/m);
  const byEnvironment = await runReeve(['hosts', '--controller', base, '--json'], {env: {REEVE_TOKEN_FILE: path}});
  t.is(JSON.parse(byEnvironment.stdout).hosts.length, 1);

  const findings = await runReeve(['findings', ...remote, '--severity', 'high,critical']);
  t.is(findings.status, 1, findings.stderr);
  t.regex(findings.stdout, /^ {8}Nobody else reads the secret$/m);
  t.regex(findings.stdout, /^1 finding on 1 host\.$/m);
  const json = await runReeve(['findings', ...remote, '--rule', 'tiny.secret', '--json']);
  t.like(JSON.parse(json.stdout).findings[0], {finding: {rule: 'tiny.secret', verdict: 'fail'}});

  const refused = await runReeve(['token', 'list', ...remote]);
  t.is(refused.status, 69);
  t.regex(refused.stderr, /SCOPE_TOO_SMALL.*\[REEVE_CONTROLLER_REFUSED\]/);

  const list = await runReeve(['token', 'list', ...here()]);
  t.notRegex(list.stdout, /reeve_api_|reeve_enrol_/);
  const id = /^([0-9a-f-]{36}) +read +good +\S+ \S+ +the test$/m.exec(list.stdout)?.[1] as string;
  t.truthy(id, list.stdout);
  const revoked = await runReeve(['token', 'revoke', id, ...here()]);
  t.is(revoked.status, 0, revoked.stderr);
  const after = await runReeve(['hosts', ...remote]);
  t.is(after.status, 69);
  t.regex(after.stderr, /is the token right, and neither revoked nor over\? \[REEVE_CONTROLLER_REFUSED\]/);
  const twice = await runReeve(['token', 'revoke', id, ...here()]);
  t.is(twice.status, 69);
});

test.serial('a ticket is alone on standard output, and reeve enroll takes it from standard input', async t => {
  const made = await runReeve(['token', 'create', '--name', 'web1', ...here()]);
  t.is(made.status, 0, made.stderr);
  t.truthy(readJoinTicket(made.stdout));
  const already = await runReeve(['enroll', ...here()], {input: made.stdout});
  t.is(already.status, 78, already.stderr);
  t.regex(already.stderr, /is enrolled at wss:.* already \[REEVE_ENROLLED_ALREADY\]/);
  const before = JSON.parse((await runReeve(['status', ...here(), '--json'])).stdout).enrolment.agent;
  const enrolled = await runReeve(['enroll', '--replace', '--json', ...here()], {input: made.stdout});
  t.is(enrolled.status, 0, enrolled.stderr);
  const {agent, url} = JSON.parse(enrolled.stdout);
  t.not(agent, before);
  t.regex(url, /^wss:\/\/127\.0\.0\.1:\d+\/agent$/);
  const used = await runReeve(['enroll', '--replace', ...here()], {input: made.stdout});
  t.is(used.status, 69, used.stderr);
  t.regex(used.stderr, /\[UNAUTHENTICATED\] \[REEVE_ENROL_FAILED\]/);
});

const mistakes: Array<[string[], string, number, RegExp]> = [
  [['enroll'], 'reeve-join:abc', 2, /came on standard input is no ticket.*\[REEVE_TICKET_INVALID\]/],
  [['enroll', '--ticket-file', '/no/such'], '', 2, /cannot read "\/no\/such": ENOENT/],
  [['token', 'create', '--name', 'x', '--expires', '2h'], '', 2, /"2h" is no life for this token: .* from 60s to 1h/],
  [['token', 'create', '--name', 'x', '--scope', 'read'], '', 2, /--scope is for tokens of kind api/],
  [['token', 'create', '--kind', 'api', '--name', 'x', '--uses', '2'], '', 2, /--uses is for tokens of kind enroll/],
  [['token', 'create', '--name', 'x', '--uses', '0'], '', 2, /"0" is no number of hosts/],
  [['hosts', '--controller', 'http://192.0.2.1:80'], '', 2, /a controller is asked with a token: name its file/],
];
for (const [args, input, wanted, message] of mistakes) {
  test.serial(`reeve ${args.join(' ')} exits ${wanted}`, async t => {
    const {status, stderr, stdout} = await runReeve([...args, ...here()], {input, env: {REEVE_TOKEN_FILE: ''}});
    t.is(status, wanted, stderr);
    t.is(stdout, '');
    t.regex(stderr, message);
  });
}

test.serial('reeve doctor goes the way to the controller, under the account of the link', async t => {
  const {stdout, stderr} = await runReeve(['doctor', ...here(), '--config', world.config, '--json']);
  const needs: Array<{what: string; state: string; found: string}> = JSON.parse(stdout);
  const way = needs.filter(({what}) => what === 'agent' || what.startsWith('link '));
  t.deepEqual(
    way.filter(({state}) => state === 'lacks'),
    [],
    stderr,
  );
  for (const step of ['agent', 'link tcp', 'link tls', 'link pin', 'link upgrade', 'link protocol', 'link hello'])
    t.is(way.find(({what}) => what === step)?.state, 'ok', step);
});

test.serial('a token is not sent unencrypted to another machine', async t => {
  const path = join(folder, 'plain');
  const made = await runReeve(['token', 'create', '--kind', 'api', '--name', 'plain', ...here()]);
  writeFileSync(path, made.stdout, {mode: 0o600});
  const {status, stderr} = await runReeve(['hosts', '--controller', 'http://192.0.2.1:80', '--token-file', path]);
  t.is(status, 2);
  t.regex(stderr, /would carry the token unencrypted: https:\/\/ is wanted \[REEVE_USAGE\]/);
});

const strange: Array<[string, string, RegExp]> = [
  ['that is no HTTP', 'SSH-2.0-OpenSSH\r\n', /cannot ask the controller at .*\[REEVE_CONTROLLER_UNREACHABLE\]/],
  ['of another shape', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}', /answered something else than \/api\/v1 does/],
  ['without an end', `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(17 * 1024 * 1024)}`, /longer than 16777216 bytes/],
  ['elsewhere', 'HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n', /HTTP status 302/],
];
for (const [what, answer, message] of strange) {
  test.serial(`an answer ${what} is refused with what it is`, async t => {
    const server = await listen(answer);
    t.teardown(() => server.close());
    const path = join(folder, 'any');
    writeFileSync(path, (await runReeve(['token', 'create', '--kind', 'api', '--name', 'any', ...here()])).stdout);
    chmodSync(path, 0o600);
    const address = server.address() as {port: number};
    const url = `http://127.0.0.1:${address.port}`;
    const {status, stderr} = await runReeve(['hosts', '--controller', url, '--token-file', path]);
    t.is(status, 69, stderr);
    t.regex(stderr, message);
    t.false(stderr.includes(readFileSync(path, 'utf8').trim()), 'no token in an error');
  });
}

function listen(answer: string): Promise<Server> {
  return new Promise(resolve => {
    const server = createServer(socket => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(answer));
    });
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
