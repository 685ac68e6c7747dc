import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {makeLog} from '../../controller/protocol/log.ts';
import {systemClock} from './clock.ts';
import {dial} from './connection/dial.ts';
import {sessionTimes} from './connection/session.ts';
import {Inventory} from './inventory/inventory.ts';
import {Link} from './link.ts';
import {openSpool} from './spool/wait.ts';

const {values} = parseArgs({
  options: {
    run: {type: 'string', default: '/run/reeve'},
    state: {type: 'string', default: '/var/lib/reeve-link'},
    diagnose: {type: 'boolean', default: false},
    'with-parent': {type: 'boolean', default: false},
  },
});
const log = makeLog('link', line => void process.stderr.write(line));
process.umask(0o077);
// Who started us holds the other end of standard input for as long as it lives.
if (values['with-parent']) process.stdin.once('end', () => process.kill(process.pid, 'SIGTERM')).resume();

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
