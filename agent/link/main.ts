import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {Value} from 'typebox/value';
import {parseJson} from '../../controller/protocol/codec.ts';
import {makeLog} from '../../controller/protocol/log.ts';
import {systemClock} from './clock.ts';
import {dial} from './connection/dial.ts';
import {sessionTimes} from './connection/session.ts';
import {diagnose, diagnoseRequest} from './diagnose/diagnose.ts';
import {Inventory} from './inventory/inventory.ts';
import {Link} from './link.ts';
import {openSpool} from './spool/wait.ts';

/** Of what `--diagnose` reads. */
const maxRequestLength = 16 * 1024;

const {values} = parseArgs({
  options: {
    run: {type: 'string', default: '/run/reeve'},
    state: {type: 'string', default: '/var/lib/reeve-link'},
    diagnose: {type: 'boolean', default: false},
    'with-parent': {type: 'boolean', default: false},
  },
});
process.umask(0o077);

if (values.diagnose) await printDiagnosis();
else await run();

/** Reads a `DiagnoseRequest` on standard input, and prints one JSON object a step. */
async function printDiagnosis(): Promise<void> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += chunk;
    if (text.length > maxRequestLength) break;
  }
  const request = text.length > maxRequestLength ? undefined : parseJson(text);
  if (!Value.Check(diagnoseRequest, request)) {
    process.stderr.write('reeve: error: cannot diagnose: a place is wanted as JSON on standard input\n');
    process.exitCode = 2;
    return;
  }
  for await (const result of diagnose(request)) process.stdout.write(`${JSON.stringify(result)}\n`);
}

async function run(): Promise<void> {
  const log = makeLog('link', line => void process.stderr.write(line));
  const spool = await openSpool(join(values.state, 'spool.db'), systemClock, log);
  const inventory = new Inventory(() => link.inventoryChanged(), systemClock, log);
  const link = new Link({
    socketPath: join(values.run, 'link.sock'),
    spool,
    inventory,
    dial,
    clock: systemClock,
    random: Math.random,
    times: sessionTimes,
    log,
  });
  link.start();
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => {
      link.stop();
      process.exit(0);
    });
}
