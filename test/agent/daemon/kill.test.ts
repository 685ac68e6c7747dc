import {type ChildProcess, spawn} from 'node:child_process';
import {randomUUID} from 'node:crypto';
import {once} from 'node:events';
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {Identity} from '../../../agent/daemon/keys/enrolment.ts';
import type {Position} from '../../../controller/protocol/messages.ts';
import {LinkClient, scratch} from '../../helpers/agent.ts';
import {seeded} from '../../helpers/random.ts';

const kills = 15;
const program = fileURLToPath(new URL('driven-agent.ts', import.meta.url));

test('killed at any moment, the agent loses no step and gives none twice', async t => {
  t.timeout(180_000);
  const folder = scratch(t);
  const [state, run] = [join(folder, 'state'), join(folder, 'run')];
  mkdirSync(state, {mode: 0o700});
  const identity = Identity.open(state, process.geteuid?.() ?? 0);
  const host = randomUUID();
  identity.enrol(
    {url: 'wss://c.example/agent', pins: ['a'.repeat(64)], fleet: randomUUID(), agent: host},
    identity.key,
  );
  const publicKey = identity.key.public.toString('base64');
  const below = seeded(7);

  let child: ChildProcess | null = null;
  t.teardown(() => child?.kill('SIGKILL'));
  let at: Position | null = null;
  const counts: number[] = [];
  let forgotten = 0;
  for (let turn = 0; turn <= kills; turn++) {
    const agent = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, state, run, '1'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child = agent;
    const ended = once(agent, 'exit');
    await waitFor(agent, 'the agent runs');
    const link = await LinkClient.connect(t, run);
    // Some milliseconds after the first batch of this life, in the middle of whatever it does then.
    try {
      for (let received = 0; ; received++) {
        const batch = await link.batch(at, host, publicKey);
        if (received === 0) setTimeout(() => agent.kill('SIGKILL'), below(60));
        // A link that dies before it has stored a batch asks for it again.
        if (below(6) === 0) {
          forgotten++;
          continue;
        }
        if (at === null ? batch.from !== 1 : batch.epoch !== at.epoch || batch.from !== at.n + 1) {
          t.fail(`from ${batch.epoch}/${batch.from} after ${JSON.stringify(at)}`);
          return;
        }
        for (const item of batch.items) if (item.t === 'set') counts.push(Number(item.f.actual?.value));
        at = {epoch: batch.epoch, n: batch.to};
      }
    } catch {
      // The agent is gone, as it should be.
    }
    await ended;
  }
  t.true(counts.length > kills * 3, `only ${counts.length} steps came`);
  t.true(forgotten > 0);
  const wrong = counts.filter((count, index) => index > 0 && count !== (counts[index - 1] as number) + 1);
  t.deepEqual(wrong, []);
});

function waitFor(agent: ChildProcess, words: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    agent.stderr?.on('data', chunk => {
      text += chunk;
      if (text.includes(words)) resolve();
    });
    agent.once('exit', () => reject(new Error(`the agent ended: ${text}`)));
  });
}
