import {createReadStream, existsSync, realpathSync} from 'node:fs';
import {homedir, hostname} from 'node:os';
import {Command, CommanderError, Option} from 'commander';
import packageJson from '../package.json' with {type: 'json'};
import {severities} from '../policies/finding.ts';
import {formatProblem, sortProblems} from '../policies/load/problem.ts';
import {check} from './cli/check.ts';
import {checkConfig, printConfig} from './cli/config.ts';
import {inspect} from './cli/inspect.ts';
import {type ExitStatus, exitStatus, type Io} from './cli/io.ts';
import {lintPackAt} from './cli/packs.ts';
import {explainRule, listRules} from './cli/rules.ts';
import {collectValues, selectRules} from './cli/selection.ts';
import {listWaivers} from './cli/waivers.ts';
import {doctor} from './doctor.ts';
import {type ErrorCode, ReeveError} from './errors.ts';
import {localHost} from './host/local/host.ts';
import {printable} from './host/names.ts';
import {macReport} from './mac.ts';
import {patchReport} from './patch.ts';
import {formats} from './report/index.ts';
import {counted} from './report/text.ts';

// Whoever reads our output may stop reading, as head(1) does: that is no failure of ours.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const terminal = process.stderr.isTTY === true;
const io: Io = {
  out: text => void process.stdout.write(text),
  err: text => void process.stderr.write(text),
  columns: Math.max(60, Math.min(process.stdout.columns ?? 80, 120)),
  colour: process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb',
  progress: text => {
    if (terminal) process.stderr.write(`\r\u001b[K${text === null ? '' : printable(text).slice(0, 79)}`);
  },
  openHost: root => {
    try {
      return localHost(realpathSync(root));
    } catch (error) {
      throw new ReeveError('REEVE_ROOT_UNUSABLE', `cannot judge "${root}": it does not exist or may not be read`, {
        cause: error,
      });
    }
  },
  hostname: hostname(),
  version: packageJson.version,
  files: {exists: existsSync, read: readText},
  upState:
    process.getuid?.() === 0
      ? '/var/lib/reeve-up'
      : `${process.env.XDG_STATE_HOME || `${homedir()}/.local/state`}/reeve-up`,
  tokenFile: process.env.REEVE_TOKEN_FILE || null,
};

let status: ExitStatus = exitStatus.ok;
const run =
  <A extends unknown[]>(command: (...args: [...A, Io]) => Promise<ExitStatus>) =>
  async (...args: A) => {
    status = await command(...args, io);
  };

const program = new Command('reeve')
  .description('Keeps this host as its policies say, and says what is not so.')
  .version(io.version)
  .exitOverride()
  .configureOutput({outputError: text => io.err(text.replace(/^error: /, 'reeve: error: '))})
  .showHelpAfterError('reeve: hint: reeve --help lists the commands');

// Their modules are loaded when they are asked for, since what speaks HTTP would make every check start slower.
program
  .command('up')
  .description('start controller, agent and link here, and show what they find')
  .option('--once', 'end when the controller has acknowledged the first report')
  .option('--json', 'with --once: print one JSON document')
  .option('--config <path>', 'configuration in place of /etc/reeve/agent.yaml')
  .option('--state <dir>', 'where everything is kept', io.upState)
  .option('--verbose', 'show what the three processes log')
  .addHelpText(
    'after',
    '\nEnds on Ctrl-C. Exit status: 0 also when rules fail, 69 when a process does not\nstart or the report does not arrive, 78 unusable state or broken configuration.\nExample: reeve up --once --json',
  )
  .action(async options =>
    run((await import('./up/up.ts')).up)(options, {stop: stopSignal(), zone: process.env.TZ ?? null}),
  );

const withPlace = (command: Command) =>
  command
    .option('--state <dir>', 'ask the agent of the reeve up with this state')
    .option('--run <dir>', "folder of the agent's sockets (default /run/reeve)")
    .option('--json', 'print JSON');
const withController = (command: Command) =>
  command
    .option('--controller <url>', 'ask the controller at this address')
    .option('--token-file <path>', 'file of a token for it (default $REEVE_TOKEN_FILE)')
    .option('--pin <sha256>', 'SHA-256 of its key, when no authority signed it; repeatable', collectValues)
    .option('--state <dir>', "the controller's state, to ask it over its socket there")
    .option('--json', 'print JSON');

withPlace(program.command('status').description('show how the agent here is, and its connection'))
  .addHelpText('after', '\nExit status: 0 all is well, 1 something is wrong, 3 the agent does not run.')
  .action(async options => run((await import('./cli/status.ts')).status)(options));

withController(program.command('findings').description('list what the agent here, or a controller, has found'))
  .option('--run <dir>', "folder of the agent's sockets (default /run/reeve)")
  .option('--host <name>', 'of this host, by name or id: asks a controller; repeatable', collectValues)
  .option('--pack <name>', 'of this pack; repeatable', collectValues)
  .option('--rule <id>', 'of this rule; repeatable', collectValues)
  .option('--verdict <name>', 'with this verdict; repeatable', collectValues)
  .option('--severity <name>', 'of this severity; repeatable', collectValues)
  .option('--all', 'list what passes and what does not apply, too')
  .addHelpText(
    'after',
    '\nExit status: 0 all pass, 1 some fail, 3 some could not be seen.\nExample: reeve findings --controller https://reeve.example:7444 --severity high',
  )
  .action(async options => run((await import('./cli/findings.ts')).findings)(options));

withController(program.command('hosts').description('list the hosts that report to a controller'))
  .option('--name <name>', 'only hosts that call themselves so')
  .addOption(new Option('--host-state <state>', 'only these').choices(['active', 'frozen', 'removed']))
  .action(async options => run((await import('./cli/hosts.ts')).hosts)(options));

withPlace(program.command('enroll').description('have the agent here report to the controller that made the ticket'))
  .option('--ticket-file <path>', 'read the ticket from this file (default: standard input)')
  .option('--replace', 'leave the controller that it reports to now')
  .addHelpText('after', '\nExample: ssh controller reeve token create --name web1 | reeve enroll')
  .action(async options => run((await import('./cli/enroll.ts')).enroll)(options));

const token = program.command('token').description('tokens of a controller');
withController(token.command('create').description('make one, and print its secret this once'))
  .addOption(
    new Option('--kind <kind>', 'enroll: for hosts; api: for people and programs')
      .choices(['enroll', 'api'])
      .default('enroll'),
  )
  .requiredOption('--name <text>', 'whom or what it is for')
  .option('--expires <span>', 'how long it is good: 30m, 12h, 90d (default 1h to enroll, 30d for the api)')
  .option('--uses <number>', 'enroll: how many hosts may use it (default 1)')
  .addOption(new Option('--scope <scope>', 'api: what it may do (default read)').choices(['read', 'admin']))
  .action(async options => run((await import('./cli/tokens.ts')).createToken)(options));
withController(token.command('list').description('list them, without their secrets')).action(async options =>
  run((await import('./cli/tokens.ts')).listTokens)(options),
);
withController(token.command('revoke').description('end one').argument('<id>')).action(async (id, options) =>
  run((await import('./cli/tokens.ts')).revokeToken)(id, options),
);

program.command('agent').description('the agent of this host, as a daemon');
program.command('link').description("the agent's connection to its controller");
program.command('controller').description('the server that hosts report to');

const withSelection = (command: Command) =>
  command
    .option('--pack <name>', 'only this pack; repeatable', collectValues)
    .option('--config <path>', 'configuration in place of /etc/reeve/agent.yaml')
    .option('--json', 'print JSON');

withSelection(program.command('check').description('look at this host and judge it against the packs'))
  .option('--rule <id>', 'only this rule; repeatable', collectValues)
  .option('--root <dir>', 'judge the image or unpacked tree at this directory', '/')
  .addOption(new Option('--format <name>', 'how to print').choices(Object.keys(formats)).default('table'))
  .addOption(
    new Option('--fail-on <severity>', 'exit 1 for failures from this severity on')
      .choices([...severities])
      .default('low'),
  )
  .option('--all', 'list what passes and what does not apply, too')
  .addHelpText(
    'after',
    '\nExit status: 0 all pass, 1 some fail, 3 some could not be seen, 78 broken configuration.\nExample: reeve check --pack linux-baseline --fail-on high',
  )
  .action(options => run(check)(options));

withSelection(program.command('rules').description('list the rules that are loaded')).action(options =>
  run(listRules)(options),
);

withSelection(
  program.command('explain').description('say what a rule wants, why, how it looks, and the cure').argument('<rule>'),
).action((id, options) => run(explainRule)(id, options));

withSelection(program.command('waivers').description('list the waivers and what became of them')).action(options =>
  run(listWaivers)(options),
);

program
  .command('packs')
  .description('work on packs')
  .command('lint')
  .description('find every problem of a pack: schema, cases, mutants')
  .argument('<path>', 'the folder that holds pack.yaml')
  .option('--no-mutate', 'leave the mutants out')
  .option('--rule <id>', 'only run the cases of this rule')
  .option('--json', 'print JSON')
  .action((path, options) => run(lintPackAt)(path, options));

const withRoot = (command: Command) =>
  command
    .option('--root <dir>', 'look at the image or unpacked tree at this directory', '/')
    .option('--json', 'print JSON');

withRoot(
  program.command('mac').description('show SELinux and AppArmor: kernel, running, configured, next boot, denials'),
)
  .option('--unit <name>', 'say how the processes of this unit are confined; repeatable', collectValues)
  .option('--hours <number>', 'how far back to count denials', '24')
  .action(options =>
    run(inspect)(
      (host, progress) => macReport(host, {units: options.unit ?? [], hours: hoursOf(options.hours), progress}),
      options,
    ),
  );

withRoot(
  program.command('patch').description('show pending updates, reboot, kernel, stale libraries and support'),
).action(options => run(inspect)((host, progress) => patchReport(host, {columns: io.columns, progress}), options));

withRoot(program.command('doctor').description('show what reeve can see here, what it lacks, and its connection'))
  .option('--state <dir>', 'the connection of the reeve up with this state')
  .option('--run <dir>', "folder of the agent's sockets (default /run/reeve)")
  .option('--config <path>', 'configuration in place of /etc/reeve/agent.yaml')
  .action(async options => {
    const {connection} = await import('./cli/connection.ts');
    const tools = {load: () => loadedText(options), connect: () => connection(options, io)};
    await run(inspect)((host, progress) => doctor(host, tools, io.columns, progress), options);
  });

const config = program.command('config').description('the configuration of this host');
config
  .command('check')
  .description('load everything and name every problem')
  .option('--config <path>', 'another file')
  .option('--json', 'print JSON')
  .action(options => run(checkConfig)(options));
config
  .command('print')
  .description('print the effective configuration')
  .option('--config <path>', 'another file')
  .option('--json', 'print JSON')
  .action(options => run(printConfig)(options));

const statusOfError: {[code in ErrorCode]?: ExitStatus} = {
  REEVE_AGENT_UNREACHABLE: exitStatus.unavailable,
  REEVE_CONTROLLER_REFUSED: exitStatus.unavailable,
  REEVE_CONTROLLER_UNREACHABLE: exitStatus.unavailable,
  REEVE_ENROL_FAILED: exitStatus.unavailable,
  REEVE_ROOT_UNUSABLE: exitStatus.usage,
  REEVE_RULE_UNKNOWN: exitStatus.usage,
  REEVE_TICKET_INVALID: exitStatus.usage,
  REEVE_UP_FAILED: exitStatus.unavailable,
  REEVE_USAGE: exitStatus.usage,
};

try {
  await program.parseAsync();
} catch (error) {
  status = report(error);
}
process.exitCode = status;

/** Aborted by the first signal to end; a second one ends at once, as without us. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort(signal));
  return stop.signal;
}

async function readText(path: string | null): Promise<string> {
  const maxBytes = 64 * 1024;
  const name = path === null ? 'standard input' : `"${path}"`;
  if (path === null && process.stdin.isTTY) io.err('reeve: hint: reading standard input, one line\n');
  try {
    let text = '';
    for await (const chunk of path === null ? process.stdin : createReadStream(path)) {
      text += chunk.toString('utf8');
      if (text.length > maxBytes) throw new Error(`it is longer than ${maxBytes} bytes`);
      if (path === null && process.stdin.isTTY && text.includes('\n')) break;
    }
    return text;
  } catch (error) {
    const {message} = error as Error;
    throw new ReeveError('REEVE_USAGE', `cannot read ${name}: ${message}`, {cause: error});
  }
}

function hoursOf(text: string): number {
  const hours = Number(text);
  if (Number.isInteger(hours) && hours >= 1 && hours <= 8760) return hours;
  throw new ReeveError('REEVE_USAGE', `"${text}" is no number of hours: 1 to 8760 is wanted`);
}

async function loadedText(options: {config?: string}): Promise<string> {
  const {packs, rules, waivers} = await selectRules(options.config === undefined ? {} : {config: options.config});
  return `${counted(packs.length, 'pack')} with ${counted(rules.length, 'rule')} and ${counted(waivers.length, 'waiver')} load`;
}

function report(error: unknown): ExitStatus {
  io.progress(null);
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.ok : exitStatus.usage;
  if (!(error instanceof ReeveError)) {
    const code: ErrorCode = 'REEVE_BUG';
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    io.err(`${stack.split('\n').map(printable).join('\n')}\n`);
    io.err(`reeve: error: something that must not happen did [${code}]\n`);
    io.err('reeve: hint: please report it with the lines above\n');
    return exitStatus.bug;
  }
  for (const problem of sortProblems(error.problems)) io.err(`${formatProblem(problem)}\n`);
  io.err(`reeve: error: ${printable(error.message)} [${error.code}]\n`);
  return statusOfError[error.code] ?? exitStatus.config;
}
