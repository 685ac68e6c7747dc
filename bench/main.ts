// Time and memory of reeve beside the peers and beside the limits that it sets itself, in one run, as ratios. Leaves the
// machine as it was. `npm run bench -- [PART...]`, as root for whole results; without a part, all of them. Rows whose
// program is missing say so.
import {checkTables} from './check.ts';
import {fleetTables} from './fleet.ts';
import {hostTables} from './host.ts';
import {reportTables} from './report.ts';

const parts: {[name: string]: () => string[] | Promise<string[]>} = {
  check: checkTables,
  host: hostTables,
  report: reportTables,
  fleet: fleetTables,
};

const chosen = process.argv.slice(2);
const unknown = chosen.find(name => !Object.hasOwn(parts, name));
if (unknown !== undefined) {
  process.stderr.write(`bench: error: no part "${unknown}": ${Object.keys(parts).join(', ')} are there\n`);
  process.exit(2);
}
// Ends what was started, too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
for (const [name, tables] of Object.entries(parts))
  if (chosen.length === 0 || chosen.includes(name)) process.stdout.write(`${(await tables()).join('\n')}\n`);
