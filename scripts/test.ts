// Runs the tests and ends on one line that counts them: `N passed, N failed, N skipped`.
// Arguments go to ava, e.g. `npm test -- test/policies`.
import {spawn} from 'node:child_process';
import {fileURLToPath} from 'node:url';

const ava = fileURLToPath(new URL('../node_modules/ava/entrypoints/cli.js', import.meta.url));
const child = spawn(process.execPath, [ava, '--tap', ...process.argv.slice(2)], {stdio: ['ignore', 'pipe', 'inherit']});

const counts = {passed: 0, failed: 0, skipped: 0};
let pending = '';
let detail = false;
let last = '';
child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
  const lines = (pending + chunk).split('\n');
  pending = lines.pop() ?? '';
  for (const line of lines) readLine(line);
});

/** TAP: `ok N - title`, `not ok N - title`, with a directive such as `# SKIP` behind; indented lines are detail. */
function readLine(line: string): void {
  const result = /^(not ok|ok) \d+ - (.*?)(?: # ([A-Z]+)\b.*)?$/.exec(line);
  if (result === null) {
    const reason = /^#\s+skipped: (.*)/.exec(line)?.[1];
    if (reason !== undefined) skip(reason);
    else if (detail) print(line);
    return;
  }
  const [, outcome, title, directive] = result;
  detail = outcome === 'not ok';
  last = title as string;
  if (directive !== undefined) counts.skipped++;
  else if (outcome === 'ok') counts.passed++;
  else counts.failed++;
  if (detail || directive !== undefined) print(`${directive ?? 'FAILED'}: ${title}`);
}

/** A test that cannot run here says so with `t.log('skipped: why')` and passes; it is counted apart, with its reason. */
function skip(reason: string): void {
  counts.passed--;
  counts.skipped++;
  print(`SKIPPED: ${last}: ${reason}`);
}

function print(line: string): void {
  if (line.trim() !== '' && !line.startsWith('1..')) process.stdout.write(`${line}\n`);
}

child.on('close', exitCode => {
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  process.exitCode = exitCode === 0 && counts.failed === 0 && counts.passed > 0 ? 0 : 1;
});
