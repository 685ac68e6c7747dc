import test from 'ava';
import {Schedule, splayOf} from '../../../../agent/daemon/checks/schedule.ts';
import {TestClocks} from '../../../helpers/clocks.ts';

const minute = 60_000;
const hour = 60 * minute;

function scheduled(expression: string, {splayMinutes = 0, at = '2026-03-02T10:30:00'} = {}) {
  const clocks = new TestClocks(at);
  const runs: string[] = [];
  const schedule = new Schedule('host-1', clocks, packs =>
    runs.push(`${packs} ${new Date(clocks.now()).toISOString()}`),
  );
  schedule.set([{pack: 'base', expression, splayMinutes}]);
  return {clocks, runs, schedule};
}
const iso = (local: string) => new Date(local).toISOString();

test('Schedule: a pack is due at each time of its expression, once', t => {
  const {clocks, runs} = scheduled('0 * * * *');
  clocks.pass(2 * hour);
  t.deepEqual(runs, [`base ${iso('2026-03-02T11:00:00')}`, `base ${iso('2026-03-02T12:00:00')}`]);
});

test('Schedule: packs that are due together are told together', t => {
  const clocks = new TestClocks('2026-03-02T10:30:00');
  const runs: string[][] = [];
  const schedule = new Schedule('host-1', clocks, packs => runs.push(packs));
  schedule.set(['a', 'b'].map(pack => ({pack, expression: '0 * * * *', splayMinutes: 0})));
  clocks.pass(hour);
  t.deepEqual(runs, [['a', 'b']]);
});

test('Schedule: a clock set forward over many times makes one run, and the next is by the new clock', t => {
  const {clocks, runs} = scheduled('*/5 * * * *');
  clocks.pass(minute);
  clocks.set('2031-06-01T04:02:00');
  clocks.pass(2 * minute);
  t.is(runs.length, 1);
  clocks.pass(2 * minute);
  t.is(runs.length, 2);
  t.is(runs[1], `base ${iso('2031-06-01T04:05:00')}`);
});

test('Schedule: a clock set back a year delays no run beyond the distance that there was', t => {
  const {clocks, runs, schedule} = scheduled('0 * * * *');
  clocks.pass(10 * minute);
  clocks.set('2025-01-01T00:00:30');
  clocks.pass(19 * minute);
  t.is(runs.length, 0);
  t.is(new Date(schedule.next()[0]?.nextAt ?? 0).toISOString(), iso('2025-01-01T00:20:30'));
  clocks.pass(2 * minute);
  t.is(runs.length, 1);
  clocks.pass(hour);
  t.is(runs.length, 2);
  t.is(runs[1], `base ${iso('2025-01-01T01:00:00')}`);
});

test('Schedule: a clock that is set back again and again starves no pack', t => {
  const {clocks, runs} = scheduled('0 * * * *');
  for (let day = 0; day < 6 * 24; day++) {
    clocks.set('2026-03-02T10:30:00');
    clocks.pass(10 * minute);
  }
  t.true(runs.length >= 24, `${runs.length} runs in 24 hours`);
});

test('Schedule: a clock that is slewed over a time of the schedule makes one run there', t => {
  const {clocks, runs} = scheduled('0 * * * *', {at: '2026-03-02T10:59:00'});
  clocks.set('2026-03-02T10:58:40');
  clocks.pass(10 * minute);
  t.is(runs.length, 1);
});

test('Schedule: no sleep is longer than a minute, so a clock that was set is noticed', t => {
  const {clocks, runs} = scheduled('0 0 1 1 *');
  clocks.set('2027-01-01T00:00:00');
  clocks.pass(minute);
  t.is(runs.length, 1);
});

test('Schedule: the splay comes after the time, also when it is longer than the distance of times', t => {
  const {clocks, runs} = scheduled('*/10 * * * *', {splayMinutes: 240});
  const splay = splayOf('host-1', 'base', 240);
  t.true(splay > 10 * minute);
  clocks.pass(hour);
  t.is(runs.length, 6);
  const times = runs.map(run => Date.parse(run.slice('base '.length)));
  t.true(times.every(time => (time - splay) % (10 * minute) === 0));
});

test('Schedule: what was set before is over when schedules are set anew, and after stop()', t => {
  const {clocks, runs, schedule} = scheduled('0 * * * *');
  schedule.set([{pack: 'other', expression: '45 * * * *', splayMinutes: 0}]);
  clocks.pass(hour);
  t.deepEqual(runs, [`other ${iso('2026-03-02T10:45:00')}`]);
  schedule.stop();
  clocks.pass(24 * hour);
  t.is(runs.length, 1);
});

test('splayOf() is the same at every start, differs between hosts and packs, and fills the window', t => {
  const hosts = Array.from({length: 2000}, (_, index) => splayOf(`host-${index}`, 'base', 10));
  t.is(splayOf('host-7', 'base', 10), hosts[7] as number);
  t.not(splayOf('host-7', 'other', 10), hosts[7]);
  t.true(hosts.every(splay => splay >= 0 && splay < 10 * minute));
  const tenths = Map.groupBy(hosts, splay => Math.floor(splay / minute));
  t.is(tenths.size, 10);
  t.true([...tenths.values()].every(({length}) => length > 140 && length < 260));
  t.is(splayOf('host-7', 'base', 0), 0);
});
