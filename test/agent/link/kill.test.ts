import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {linkWorld} from '../../helpers/link-world.ts';
import {seeded} from '../../helpers/random.ts';
import {eventually} from '../../helpers/waiting.ts';

const program = fileURLToPath(new URL('../../../agent/link/main.ts', import.meta.url));
const rounds = 8;

test('a link that is killed again and again loses no step and sends none twice', async t => {
  const {agent, controller, enrol, run, state} = await linkWorld(t);
  enrol();
  agent.batchSteps = 3;
  const below = seeded(3);
  let child: ChildProcess | null = null;
  t.teardown(() => child?.kill('SIGKILL'));
  let steps = 0;
  const stepping = setInterval(() => agent.step(`s${++steps}`), 3);
  t.teardown(() => clearInterval(stepping));
  for (let round = 0; round < rounds; round++) {
    child = spawn(
      process.execPath,
      ['--disallow-code-generation-from-strings', program, '--run', run, '--state', state],
      {
        stdio: 'ignore',
      },
    );
    const before = controller.applied.length;
    await eventually(() => controller.applied.length > before + below(60), 'it reports');
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  clearInterval(stepping);
  child = spawn(process.execPath, [program, '--run', run, '--state', state], {stdio: 'ignore'});
  await eventually(() => controller.position?.n === agent.n, 'all is stored');
  t.true(steps > 100, `${steps} steps`);
  t.deepEqual(
    controller.applied,
    Array.from({length: steps}, (_, n) => `1:${n + 1} s${n + 1}`),
  );
  t.deepEqual([controller.problems, agent.refused], [[], []]);
});
