import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {parseJson} from '../../controller/protocol/codec.ts';
import {makeLog} from '../../controller/protocol/log.ts';
import {hasShape} from '../../controller/protocol/shape.ts';
import {systemClock} from './clock.ts';
import {dial} from './connection/dial.ts';
import {sessionTimes} from './connection/session.ts';
import {diagnose, diagnoseRequest} from './diagnose/diagnose.ts';
import {Inventory} from './inventory/inventory.ts';
import {Link} from './link.ts';
import {openSpool} from './spool/wait.ts';

const usage = `Usage: reeve link [--run DIR] [--state DIR] [--with-parent]
       reeve link --diagnose < PLACE

Carries what the agent reports to the controller. Needs no privilege but to reach the agent's socket.

  --run DIR      where the agent's sockets are (default /run/reeve)
  --state DIR    its spool (default /var/lib/reeve-link)
  --with-parent  end when standard input does
  --diagnose     go the way to a controller step by step, and print a line of JSON for each
`;
const exitUsage = 2;
const exitBug = 70;
/** Of what `--diagnose` reads. */
const maxRequestLength = 16 * 1024;

const log = makeLog('link', line => void process.stderr.write(line));
process.umask(0o077);
process.once('uncaughtException', error => {
  log('error', 'a bug of reeve', {error: error.stack ?? error.message});
  process.exit(exitBug);
});

const options = readOptions();
if (options.help) process.stdout.write(usage);
else if (options.diagnose) void printDiagnosis();
else void run(options);

function readOptions() {
  try {
    return parseArgs({
      options: {
        run: {type: 'string', default: '/run/reeve'},
        state: {type: 'string', default: '/var/lib/reeve-link'},
        'with-parent': {type: 'boolean', default: false},
        diagnose: {type: 'boolean', default: false},
        help: {type: 'boolean', short: 'h', default: false},
      },
    }).values;
  } catch (error) {
    return fail((error as Error).message);
  }
}

function fail(message: string): never {
  process.stderr.write(`reeve: error: ${message}\nreeve: hint: reeve link --help lists the options\n`);
  process.exit(exitUsage);
}

/** Reads a `DiagnoseRequest` on standard input, and prints one JSON object a step. */
async function printDiagnosis(): Promise<void> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += chunk;
    if (text.length > maxRequestLength) fail(`a place has at most ${maxRequestLength} characters`);
  }
  const request = parseJson(text);
  if (!hasShape(diagnoseRequest, request)) fail('a place is wanted as JSON on standard input');
  for await (const result of diagnose(request)) process.stdout.write(`${JSON.stringify(result)}\n`);
}

async function run(places: {run: string; state: string; 'with-parent': boolean}): Promise<void> {
  let link: Link | null = null;
  const stop = () => {
    link?.stop();
    process.exit(0);
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
  // Who started us holds the other end of standard input for as long as it lives.
  if (places['with-parent']) process.stdin.once('end', stop).resume();

  const spool = await openSpool(join(places.state, 'spool.db'), systemClock, log);
  const inventory = new Inventory(() => link?.inventoryChanged(), systemClock, log);
  link = new Link({
    socketPath: join(places.run, 'link.sock'),
    spool,
    inventory,
    dial,
    clock: systemClock,
    random: Math.random,
    times: sessionTimes,
    log,
  });
  link.start();
}
