import test from 'ava';
import {type Answer, seen, unseen} from '../../../policies/facts/answer.ts';
import type {Facts} from '../../../policies/facts/index.ts';
import type {TimeFact} from '../../../policies/facts/time.ts';
import type {UnitFact, UnitsFact} from '../../../policies/facts/units.ts';
import {timeKind} from '../../../policies/kinds/time.ts';

const unit = (name: string, state: UnitFact['state'] = 'enabled', over: Partial<UnitFact> = {}): UnitFact => ({
  name,
  state,
  reason: '',
  aliasOf: null,
  path: `/usr/lib/systemd/system/${name}`,
  links: [],
  sysv: false,
  ...over,
});
const clock = {synchronised: true, offsetMs: 2, by: '/usr/bin/chronyc -n tracking', detail: 'leap status Normal'};
const good: TimeFact = {
  clock,
  sources: [{service: 'chrony', kind: 'pool', address: 'pool.example', where: '/etc/chrony/chrony.conf:3'}],
  unreadable: [],
  zone: {name: 'Etc/UTC', where: '/etc/localtime'},
};
type Over = {
  time?: Partial<TimeFact>;
  units?: UnitFact[] | Answer<UnitsFact>;
  container?: string;
  answer?: Answer<TimeFact>;
};

function judge(check: object, over: Over = {}) {
  const units = over.units ?? [unit('chrony.service')];
  const answers: {[fact: string]: Answer<unknown>} = {
    time: over.answer ?? seen({...good, ...over.time}, ['/etc/localtime']),
    units: Array.isArray(units) ? seen({units, live: {notApplicable: ''}}, []) : units,
    environment: seen({container: over.container ?? null}, []),
  };
  const facts = {get: ({fact}: {fact: string}) => answers[fact]} as unknown as Facts;
  const [judgement, ...rest] = timeKind.judge(check as never, facts, {now: 0, rule: 'test'});
  if (judgement === undefined || rest.length > 0) throw new Error('one judgement is wanted');
  return judgement;
}

const all = {synchronised: true, service: 'one', sources: 'configured', offset_ms_at_most: 100, zone: ['UTC']};

test('timeKind passes a clock that is as wanted, and says how far that goes', t => {
  t.like(judge(all), {verdict: 'pass', scope: 'effective'});
  t.like(judge({synchronised: true}), {verdict: 'pass', scope: 'runtime', where: ['/usr/bin/chronyc -n tracking']});
  t.like(judge({service: 'one', zone: ['UTC']}), {verdict: 'pass', scope: 'persistent'});
});

for (const [what, check, over, verdict, cure] of [
  [
    'a clock out of step',
    {synchronised: true},
    {time: {clock: {...clock, synchronised: false}}},
    'fail',
    /UDP port 123/,
  ],
  ['a clock that nobody could tell of', {synchronised: true}, {time: {clock: {unseen: 'no answer'}}}, 'unknown'],
  ['an image', {synchronised: true}, {time: {clock: {notApplicable: 'image'}}}, 'not-applicable'],
  [
    'an image whose service is judged too',
    {synchronised: true, service: 'one'},
    {time: {clock: {notApplicable: 'image'}}},
    'pass',
  ],
  ['a large offset', {offset_ms_at_most: 1}, {}, 'fail'],
  ['an offset that is not given', {offset_ms_at_most: 1}, {time: {clock: {...clock, offsetMs: null}}}, 'unknown'],
  ['no time service', {service: 'one'}, {units: [unit('chrony.service', 'disabled')]}, 'fail', /install chrony/],
  [
    'two time services',
    {service: 'one'},
    {units: [unit('chrony.service'), unit('systemd-timesyncd.service')]},
    'fail',
    'keep one: systemctl disable --now systemd-timesyncd.service',
  ],
  [
    'a service under both its names',
    {service: 'one'},
    {units: [unit('chrony.service'), unit('chronyd.service', 'alias', {aliasOf: 'chrony.service'})]},
    'pass',
  ],
  ['the Red Hat family’s name', {service: 'one', sources: 'configured'}, {units: [unit('chronyd.service')]}, 'pass'],
  [
    'a service that cannot be told',
    {service: 'one'},
    {units: [unit('chrony.service', 'unseen', {reason: 'denied'})]},
    'unknown',
  ],
  ['units that were not seen', {service: 'one'}, {units: unseen('denied')}, 'unknown'],
  ['a service without sources', {sources: 'configured'}, {time: {sources: []}}, 'fail', /write "pool POOL iburst"/],
  [
    'sources of another service',
    {sources: 'configured'},
    {units: [unit('systemd-timesyncd.service')]},
    'fail',
    /NTP=SERVER/,
  ],
  [
    'sources that could not be read',
    {sources: 'configured'},
    {time: {sources: [], unreadable: [{service: 'chrony', reason: 'denied'}]}},
    'unknown',
  ],
  ['sources without a service', {sources: 'configured'}, {units: []}, 'fail'],
  [
    'another zone',
    {zone: ['Europe/Berlin', 'UTC']},
    {time: {zone: {name: 'Asia/Tokyo', where: '/etc/localtime'}}},
    'fail',
    'ln -sfn /usr/share/zoneinfo/Europe/Berlin /etc/localtime',
  ],
  ['a zone that could not be told', {zone: ['UTC']}, {time: {zone: {unseen: 'a copy'}}}, 'unknown'],
  ['a container', {synchronised: true, service: 'one'}, {container: 'docker'}, 'none'],
  ['the zone of a container', {zone: ['UTC'], synchronised: true}, {container: 'docker'}, 'pass'],
  ['no look at all', {zone: ['UTC']}, {answer: unseen('damaged')}, 'unknown'],
] as const) {
  test(`timeKind says ${verdict} of ${what}`, t => {
    const judgement = judge(check, over as unknown as Over);
    t.is(judgement.verdict, verdict);
    const given = judgement.verdict === 'fail' ? judgement.cure : undefined;
    if (typeof cure === 'string') t.is(given, cure);
    else if (cure !== undefined) t.regex(given ?? '', cure);
  });
}

test('timeKind turns each expectation', t => {
  const flips = timeKind.flips(all as never);
  t.is(flips.length, 5);
  for (const {what, check} of flips) t.is(judge(check).verdict, 'fail', what);
});

test('timeKind refuses a check without expectation', t => {
  t.is(timeKind.problems?.({} as never).length, 1);
});
