import {realpathSync} from 'node:fs';
import {hostname} from 'node:os';
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

withRoot(program.command('doctor').description('show what reeve can see here and what it lacks')).action(options =>
  run(inspect)((host, progress) => doctor(host, loadedText, io.columns, progress), options),
);

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

try {
  await program.parseAsync();
} catch (error) {
  status = report(error);
}
process.exitCode = status;

function hoursOf(text: string): number {
  const hours = Number(text);
  if (Number.isInteger(hours) && hours >= 1 && hours <= 8760) return hours;
  throw new ReeveError('REEVE_USAGE', `"${text}" is no number of hours: 1 to 8760 is wanted`);
}

async function loadedText(): Promise<string> {
  const {packs, rules, waivers} = await selectRules({});
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
  return error.code === 'REEVE_USAGE' || error.code === 'REEVE_RULE_UNKNOWN' || error.code === 'REEVE_ROOT_UNUSABLE'
    ? exitStatus.usage
    : exitStatus.config;
}
