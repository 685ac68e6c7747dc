import {chmodSync, statSync} from 'node:fs';
import test from 'ava';
import {startChecks} from '../../../../agent/daemon/checks/checks.ts';
import type {CheckRound} from '../../../../agent/daemon/contracts.ts';
import {DemoSite} from '../../../helpers/demo-site.ts';
import {seeded} from '../../../helpers/random.ts';
import {Arrivals} from '../../../helpers/waiting.ts';

const [files, changes, seed] = [50, 200, 7];

test(`Checks: after ${changes} changes of ${files} files each was judged as it is at last, without a round of all`, async t => {
  const names = Array.from({length: files}, (_, index) => `f${index}`);
  const site = new DemoSite(t, names, 'checks: {schedule: "0 0 1 1 *"}\n');
  const rounds = new Arrivals<CheckRound>();
  const judged = new Map<string, string>();
  const checks = startChecks(
    {
      configPath: site.configPath,
      stateDir: site.stateDir,
      hostId: 'host-1',
      log: () => {},
      limits: {eachRule: {burst: 1, everyMs: 3000}, allRules: {burst: 3, everyMs: 250}},
    },
    {
      onLoaded: () => {},
      onRefused: () => {},
      onRound: round => {
        for (const {rule, verdict} of round.findings) judged.set(rule, verdict);
        rounds.add(round);
      },
    },
  );
  t.teardown(() => checks.stop());
  await checks.start();
  await rounds.count(1);
  const below = seeded(seed);
  for (let change = 0; change < changes; change++) {
    chmodSync(site.at(names[below(files)] as string), [0o600, 0o644, 0o666, 0o400][below(4)] as number);
    // Some come within a burst, some while a round runs, and some after one.
    if (below(20) === 0) await rounds.count(rounds.all.length + 1);
    else await new Promise(resolve => setImmediate(resolve));
  }
  const isAsItIs = (name: string) =>
    judged.get(`files.${name}`) === ((statSync(site.at(name)).mode & 0o077) === 0 ? 'pass' : 'fail');
  await rounds.find(() => names.every(isAsItIs));
  t.true(rounds.all.length > 3, `${rounds.all.length} rounds`);
  t.true(rounds.all.slice(1).every(({packs}) => packs.length === 0));
});
