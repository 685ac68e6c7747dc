import type {Static} from 'typebox';
import * as Type from 'typebox';
import {withoutValue} from '../facts/answer.ts';
import type {TimeFact} from '../facts/time.ts';
import {type Comparison, type Judgement, judged} from '../finding.ts';
import {defineKind} from './kind.ts';
import {indexUnits} from './service/state.ts';
import {orList, shellWord} from './shared.ts';
import {enabledServices} from './time/services.ts';

const schema = Type.Object(
  {
    synchronised: Type.Optional(Type.Literal(true, {wanted: 'true'})),
    service: Type.Optional(Type.Literal('one', {wanted: '"one"'})),
    sources: Type.Optional(Type.Literal('configured', {wanted: '"configured"'})),
    offset_ms_at_most: Type.Optional(Type.Number({minimum: 0, maximum: 86_400_000})),
    zone: Type.Optional(
      Type.Array(Type.String({minLength: 1, maxLength: 64}), {
        minItems: 1,
        maxItems: 64,
        wanted: 'a list of zones, such as Etc/UTC',
      }),
    ),
  },
  {additionalProperties: false},
);
type TimeCheck = Static<typeof schema>;

const expectations = ['synchronised', 'service', 'sources', 'offset_ms_at_most', 'zone'] as const;
const ofClock = (check: TimeCheck) => expectations.some(key => key !== 'zone' && check[key] !== undefined);
const ofServices = (check: TimeCheck) => check.service !== undefined || check.sources !== undefined;

export const timeKind = defineKind<typeof schema>({
  name: 'time',
  summary: 'The clock: in step, by one service with sources, within an offset, in an accepted zone.',
  schema,
  problems: check =>
    expectations.some(key => check[key] !== undefined)
      ? []
      : [{at: [], message: `nothing is expected: give at least one of ${expectations.join(', ')}`}],
  canBeEmpty: () => true,
  wants: check => [{fact: 'time'}, {fact: 'environment'}, ...(ofServices(check) ? [{fact: 'units'} as const] : [])],
  judge: (check, facts): Judgement[] => {
    const time = facts.get({fact: 'time'});
    if (time.state === 'absent') return [{subject: 'clock', verdict: 'none', reason: time.reason}];
    if (time.state !== 'seen') return [withoutValue('clock', time)];
    const environment = facts.get({fact: 'environment'});
    const container = environment.state === 'seen' ? environment.value.container : null;
    const result: Result = {compared: [], open: [], apart: [], where: [], cures: [], now: false};
    if (check.zone !== undefined) compareZone(check.zone, time.value, result);
    if (ofClock(check) && environment.state === 'unseen') result.open.push(environment.reason);
    else if (ofClock(check) && container !== null) {
      if (check.zone === undefined)
        return [{subject: 'clock', verdict: 'none', reason: `a container takes the clock of its host (${container})`}];
    } else {
      if (ofServices(check)) {
        const units = facts.get({fact: 'units'});
        if (units.state === 'seen')
          compareServices(check, time.value, enabledServices(indexUnits(units.value)), result);
        else result.open.push(units.reason);
      }
      compareClock(check, time.value.clock, result);
    }
    return [joined(result)];
  },
  flips: check => {
    const turned: {[key in keyof TimeCheck]: unknown} = {
      synchronised: false,
      service: 'not-one',
      sources: 'none',
      offset_ms_at_most: -1,
      zone: ['No/Such_Zone'],
    };
    return expectations.flatMap(key =>
      check[key] === undefined ? [] : [{what: key, check: {...check, [key]: turned[key]} as TimeCheck}],
    );
  },
  looks: check =>
    [
      ...(check.zone === undefined ? [] : ['Reads where /etc/localtime leads.']),
      ...(ofServices(check)
        ? ['Looks at which time services are enabled, and at the servers that their configuration names.']
        : []),
      ...(check.synchronised === undefined && check.offset_ms_at_most === undefined
        ? []
        : ['Asks chronyc, ntpq or ntpctl, or looks at the flag of systemd-timesyncd.']),
    ].join(' '),
  wanted: check =>
    [
      ...(check.synchronised === undefined ? [] : ['the clock is in step']),
      ...(check.service === undefined ? [] : ['one time service is enabled']),
      ...(check.sources === undefined ? [] : ['it names at least one server or pool']),
      ...(check.offset_ms_at_most === undefined ? [] : [`within ${check.offset_ms_at_most} ms`]),
      ...(check.zone === undefined ? [] : [`zone ${orList(check.zone)}`]),
    ].join('; '),
});

type Result = {compared: Comparison[]; open: string[]; apart: string[]; where: string[]; cures: string[]; now: boolean};

function joined({compared, open, apart, where, cures, now}: Result): Judgement {
  const subject = 'clock';
  if (compared.every(({ok}) => ok) && open.length > 0)
    return {subject, verdict: 'unknown', reason: [...new Set(open)].join('; ')};
  if (compared.length === 0) return {subject, verdict: 'not-applicable', reason: [...new Set(apart)].join('; ')};
  const spoken = compared.length - (now ? compared.filter(({what}) => what.endsWith('now')).length : 0);
  const scope = now && spoken > 0 ? 'effective' : now ? 'runtime' : 'persistent';
  return judged(subject, compared, {
    where: [...new Set(where)],
    scope,
    cure: cures.length > 0 ? cures.join('; ') : undefined,
  });
}

/** Names of one and the same zone. */
const utcNames = ['UTC', 'Etc/UTC', 'UCT', 'Etc/UCT', 'Zulu', 'Etc/Zulu', 'Universal', 'Etc/Universal'];
const plainZone = (name: string) => (utcNames.includes(name) ? 'UTC' : name);

function compareZone(wanted: string[], {zone}: TimeFact, result: Result): void {
  if ('unseen' in zone) {
    result.open.push(zone.unseen);
    return;
  }
  const ok = wanted.some(name => plainZone(name) === plainZone(zone.name));
  result.compared.push({what: 'zone', expected: orList(wanted), actual: zone.name, ok});
  result.where.push(zone.where);
  if (!ok) result.cures.push(`ln -sfn /usr/share/zoneinfo/${shellWord(wanted[0] as string)} /etc/localtime`);
}

/** `not-one` and `none` are the opposites, for the mutation test. */
function compareServices(
  check: TimeCheck,
  time: TimeFact,
  services: ReturnType<typeof enabledServices>,
  result: Result,
): void {
  const {enabled, open, where} = services;
  result.where.push(...where);
  if (open.length > 0 && enabled.length < 2) {
    result.open.push(...open);
    return;
  }
  const names = enabled.map(({service}) => service);
  if (check.service !== undefined) {
    const ok = (enabled.length === 1) === (check.service === 'one');
    result.compared.push({
      what: 'time services at boot',
      expected: 'exactly one',
      actual: names.length > 0 ? names : 'none',
      ok,
    });
    if (!ok && enabled.length === 0)
      result.cures.push('install chrony; systemctl enable --now chrony.service (RHEL: chronyd.service)');
    if (!ok && enabled.length > 1)
      result.cures.push(
        `keep one: systemctl disable --now ${enabled
          .slice(1)
          .map(({unit}) => unit)
          .join(' ')}`,
      );
  }
  if (check.sources === undefined) return;
  for (const {service} of enabled) {
    const named = time.sources.filter(source => source.service === service);
    const unreadable = time.unreadable.filter(file => file.service === service);
    if (named.length === 0 && unreadable.length > 0) {
      result.open.push(...unreadable.map(({reason}) => reason));
      continue;
    }
    const ok = named.length > 0 === (check.sources === 'configured');
    const actual = named.slice(0, 20).map(({kind, address}) => `${kind} ${address}`);
    result.compared.push({
      what: `sources of ${service}`,
      expected: 'at least one server or pool',
      actual: actual.length > 0 ? actual : 'none',
      ok,
    });
    result.where.push(...named.slice(0, 5).map(source => source.where));
    if (!ok) result.cures.push(sourceCures[service]);
  }
  if (enabled.length === 0)
    result.compared.push({
      what: 'sources',
      expected: 'of an enabled time service',
      actual: 'no time service is enabled',
      ok: false,
    });
}

const sourceCures = {
  chrony: 'write "pool POOL iburst" to /etc/chrony/chrony.conf (RHEL: /etc/chrony.conf), with a pool of yours',
  ntpsec: 'write "pool POOL iburst" to /etc/ntpsec/ntp.conf, with a pool of yours',
  ntp: 'write "pool POOL iburst" to /etc/ntp.conf, with a pool of yours',
  'systemd-timesyncd':
    'write "[Time]" and "NTP=SERVER" to /etc/systemd/timesyncd.conf.d/60-reeve.conf, with a server of yours',
  openntpd: 'write "servers POOL" to /etc/openntpd/ntpd.conf, with a pool of yours',
};

function compareClock(check: TimeCheck, clock: TimeFact['clock'], result: Result): void {
  if (check.synchronised === undefined && check.offset_ms_at_most === undefined) return;
  if ('unseen' in clock) {
    result.open.push(clock.unseen);
    return;
  }
  if ('notApplicable' in clock) {
    result.apart.push(clock.notApplicable);
    return;
  }
  result.now = true;
  result.where.push(clock.by);
  if (check.synchronised !== undefined) {
    const ok = clock.synchronised === check.synchronised;
    result.compared.push({
      what: 'in step now',
      expected: check.synchronised,
      actual: `${clock.synchronised ? 'yes' : 'no'}: ${clock.detail}`,
      ok,
    });
    if (!ok)
      result.cures.push(
        'see that the time service runs and reaches its servers over UDP port 123: systemctl status chrony chronyd systemd-timesyncd ntpsec',
      );
  }
  if (check.offset_ms_at_most === undefined) return;
  if (clock.offsetMs === null) {
    result.open.push(`${clock.by} gives no offset`);
    return;
  }
  const ok = clock.offsetMs <= check.offset_ms_at_most;
  result.compared.push({
    what: 'offset in ms now',
    expected: `at most ${check.offset_ms_at_most}`,
    actual: clock.offsetMs,
    ok,
  });
}
