import {hostname} from 'node:os';
import {resolve} from 'node:path';
import {parseArgs} from 'node:util';
import {makeLog} from '../../controller/protocol/log.ts';
import packageJson from '../../package.json' with {type: 'json'};
import {ReeveError} from '../errors.ts';
import {native} from '../host/local/native.ts';
import {startChecks} from './checks/checks.ts';
import {type Daemon, startDaemon} from './daemon.ts';

const usage = `Usage: reeve agent [--config FILE] [--state DIR] [--run DIR] [--link-uid N --link-gid N] [--with-parent]

Judges this machine on schedule and on change, and hands what it finds to the link.

  --config FILE   configuration (default /etc/reeve/agent.yaml)
  --state DIR     what it keeps (default /var/lib/reeve)
  --run DIR       its sockets (default /run/reeve)
  --link-uid N    the account that the link runs as, beside root, and
  --link-gid N    its group
  --with-parent   end when standard input does`;
const exitUsage = 2;
const exitBug = 70;
const exitConfig = 78;
/** A stop that takes longer is given up. */
const stopMs = 5_000;

process.umask(0o077);
const uid = process.geteuid?.() ?? 0;
const log = makeLog('agent', line => process.stderr.write(line));
let daemon: Daemon | null = null;
let stopping = false;

start().catch(fail);

async function start(): Promise<void> {
  const options = readOptions();
  if (options === null) {
    process.stdout.write(`${usage}\n`);
    return;
  }
  process.chdir('/');
  keepOffTheNetwork();
  listenToSignals();
  daemon = await startDaemon({
    ...options,
    reeve: packageJson.version,
    hostname: hostname(),
    log,
    uid,
    pid: process.pid,
    now: () => new Date(),
    monotonicMs: () => performance.now(),
    makeChecks: (listener, hostId) =>
      startChecks({hostId, configPath: options.configPath, stateDir: options.stateDir, log}, listener),
  });
  if (stopping) await stop();
}

function readOptions() {
  const {values} = parseArgs({
    options: {
      config: {type: 'string'},
      state: {type: 'string', default: '/var/lib/reeve'},
      run: {type: 'string', default: '/run/reeve'},
      'link-uid': {type: 'string'},
      'link-gid': {type: 'string'},
      'with-parent': {type: 'boolean', default: false},
      help: {type: 'boolean', short: 'h', default: false},
    },
  });
  if (values.help) return null;
  // Who started us holds the other end of standard input for as long as it lives.
  if (values['with-parent']) process.stdin.once('end', () => process.kill(process.pid, 'SIGTERM')).resume();
  const {'link-uid': linkUid, 'link-gid': linkGid} = values;
  if ((linkUid === undefined) !== (linkGid === undefined))
    throw new ReeveError('REEVE_USAGE', '--link-uid and --link-gid go together');
  return {
    configPath: values.config === undefined ? null : resolve(values.config),
    stateDir: resolve(values.state),
    runDir: resolve(values.run),
    link: linkUid === undefined || linkGid === undefined ? null : {uid: readId(linkUid), gid: readId(linkGid)},
  };
}

function readId(text: string): number {
  const id = Number(text);
  if (!/^\d{1,10}$/.test(text) || id >= 2 ** 32 - 1)
    throw new ReeveError('REEVE_USAGE', `"${text}" is no uid or gid: a number is wanted`);
  return id;
}

/** Root's processes have no network, whatever runs in them. What a person starts for themselves has no privilege to lose. */
function keepOffTheNetwork(): void {
  if (uid !== 0) return;
  const result = native?.restrictSockets();
  if (result === 0) log('info', 'sockets that receive from a network are shut off');
  else log('warning', 'network sockets could not be shut off', {errno: result ?? null});
}

function listenToSignals(): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      log('info', 'stopping', {signal});
      stopping = true;
      if (daemon !== null) void stop();
    });
  process.on('SIGHUP', () => daemon?.reload());
}

async function stop(): Promise<void> {
  setTimeout(() => {
    log('error', 'something did not stop in time, and was given up');
    process.exit(1);
  }, stopMs).unref();
  await daemon?.stop();
  process.exit(0);
}

function fail(error: unknown): void {
  const {code, message} = error as Error & {code?: string};
  if (code?.startsWith('ERR_PARSE_ARGS') || code === 'REEVE_USAGE') {
    process.stderr.write(`reeve: error: ${message}\nreeve: hint: reeve agent --help lists the options\n`);
    process.exit(exitUsage);
  }
  if (error instanceof ReeveError) {
    log('error', message, {code: error.code});
    process.exit(exitConfig);
  }
  log('error', 'a bug of reeve', {error: error instanceof Error ? (error.stack ?? message) : `${error}`});
  process.exit(exitBug);
}
