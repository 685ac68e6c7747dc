import {readFileSync} from 'node:fs';
import {parseArgs} from 'node:util';
import {ConfigError, formatProblem, loadConfig, plainRefused} from './config/load.ts';
import {type Config, isListen, isLoopback, readListen} from './config/schema.ts';
import {startController} from './controller.ts';
import {manifestPath} from './home.ts';
import {makeLog} from './protocol/log.ts';

/** The process `reeve controller`: reads its arguments, logs to stderr, ends on SIGTERM or SIGINT. */
const usage = `usage: reeve controller [--config FILE] [--state DIR] [--agents-listen ADDRESS:PORT] [--api-listen ADDRESS:PORT]
       [--with-parent]

  --config FILE           configuration (default /etc/reeve/controller.yaml)
  --state DIR             database, key and sockets (default /var/lib/reeve-controller)
  --agents-listen PLACE   where hosts connect, in place of agents.listen; port 0 takes a free one
  --api-listen PLACE      where people and tools connect, in place of api.listen
  --with-parent           end when standard input does
`;
const exitCodes = {usage: 2, unusable: 3, bug: 70, config: 78};
/** A stop that takes longer than this is none. */
const stopMs = 10_000;

process.umask(0o077);
const log = makeLog('controller', line => process.stderr.write(line));

function fail(code: number, message: string): never {
  process.stderr.write(`reeve: error: ${message}\n`);
  process.exit(code);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        config: {type: 'string'},
        state: {type: 'string', default: '/var/lib/reeve-controller'},
        'agents-listen': {type: 'string'},
        'api-listen': {type: 'string'},
        'with-parent': {type: 'boolean', default: false},
        help: {type: 'boolean', short: 'h'},
      },
    }).values;
  } catch (error) {
    return fail(exitCodes.usage, `${(error as Error).message}\n${usage}`);
  }
}

async function readConfig(flags: ReturnType<typeof readArguments>): Promise<Config> {
  const config = await loadConfig(flags.config ?? null);
  for (const part of ['agents', 'api'] as const) {
    const listen = flags[`${part}-listen`];
    if (listen === undefined) continue;
    if (!isListen(listen)) fail(exitCodes.usage, `--${part}-listen: "${listen}" found, an address and a port wanted`);
    config[part].listen = readListen(listen);
  }
  if (config.api.tls === null && !isLoopback(config.api.listen.host))
    fail(exitCodes.usage, `--api-listen: ${plainRefused(flags['api-listen'] ?? '')}`);
  return config;
}

const flags = readArguments();
if (flags.help) {
  process.stdout.write(usage);
  process.exit(0);
}

// Who started us holds the other end of standard input for as long as it lives.
if (flags['with-parent']) process.stdin.once('end', () => process.kill(process.pid, 'SIGTERM')).resume();

try {
  const config = await readConfig(flags);
  const {version} = JSON.parse(readFileSync(manifestPath, 'utf8')) as {version: string};
  const onCrash = (error: Error) => {
    log('error', 'the store failed, so the controller ends', {reason: error.message});
    process.exit(exitCodes.bug);
  };
  const started = startController({config, state: flags.state, version, log, onCrash});
  const stop = (signal: string) => {
    log('info', 'stopping', {signal});
    setTimeout(() => process.exit(exitCodes.bug), stopMs).unref();
    // A start that fails is told of below.
    started
      .then(controller => controller.stop())
      .then(
        () => process.exit(0),
        () => {},
      );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  await started;
} catch (error) {
  if (error instanceof ConfigError)
    fail(exitCodes.config, [error.message, ...error.problems.map(formatProblem)].join('\n'));
  const {code, message} = error as NodeJS.ErrnoException;
  log('error', 'cannot start', {reason: message});
  process.exit(code === undefined ? exitCodes.bug : exitCodes.unusable);
}
