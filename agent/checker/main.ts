import {writeSync} from 'node:fs';
import {hostname} from 'node:os';
import packageJson from '../../package.json' with {type: 'json'};
import {ReeveError} from '../errors.ts';
import {localHost} from '../host/local/host.ts';
import type {CheckerEvent, CheckerJob} from './messages.ts';

const maxJobBytes = 4 * 1024 * 1024;
const reeve = packageJson.version;

// Written at once, so that what was told stands even when the next look never ends. Without a reader there is no point.
const tell = (event: CheckerEvent): void => {
  const line = Buffer.from(`${JSON.stringify(event)}\n`);
  try {
    for (let sent = 0; sent < line.length; ) sent += writeSync(1, line, sent);
  } catch {
    process.exit(1);
  }
};

let pending = '';
let begun = false;
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk: string) => {
  if (begun) return;
  pending += chunk;
  if (pending.length > maxJobBytes) process.exit(2);
  const end = pending.indexOf('\n');
  if (end < 0) return;
  begun = true;
  run(JSON.parse(pending.slice(0, end))).then(
    () => process.exit(0),
    error => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(70);
    },
  );
});
// The agent holds the other end for as long as it wants an answer: it is gone.
for (const event of ['end', 'error', 'close']) process.stdin.on(event, () => process.exit(1));

/** What the other job needs is not even read. */
async function run(job: CheckerJob): Promise<void> {
  const host = localHost('/');
  if (job.job === 'load') return (await import('./load.ts')).load(host, reeve, job, tell);
  if (job.job === 'last') return (await import('./load.ts')).tellLast(host, reeve, job, tell);
  try {
    await (await import('./judge.ts')).judge(host, {reeve, hostname: hostname()}, job, tell);
  } catch (error) {
    if (!(error instanceof ReeveError)) throw error;
    tell({event: 'refused', code: error.code, message: error.message, problems: [], site: []});
  }
}
