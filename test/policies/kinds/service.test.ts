import test from 'ava';
import {seen, unseen} from '../../../policies/facts/answer.ts';
import type {Facts} from '../../../policies/facts/index.ts';
import type {LiveUnit, UnitFact, UnitsFact} from '../../../policies/facts/units.ts';
import {unitPattern} from '../../../policies/kinds/service/state.ts';
import {serviceKind} from '../../../policies/kinds/service.ts';

const unit = (name: string, state: UnitFact['state'], over: Partial<UnitFact> = {}): UnitFact => ({
  name,
  state,
  reason: '',
  aliasOf: null,
  path: `/usr/lib/systemd/system/${name}`,
  links: state === 'enabled' ? [`/etc/systemd/system/multi-user.target.wants/${name}`] : [],
  sysv: false,
  ...over,
});
const running = (name: string, active = 'active'): LiveUnit => ({
  names: [name],
  load: 'loaded',
  active,
  sub: active === 'active' ? 'running' : 'dead',
  mainPid: null,
});
const noSystemd = {notApplicable: 'PID 1 is not systemd, so no unit runs here'};

function judge(check: object, units: UnitFact[], live: UnitsFact['live'] = noSystemd) {
  const facts = {get: () => seen({units, live}, ['/etc/systemd/system'])} as unknown as Facts;
  return serviceKind.judge(check as never, facts, {now: 0, rule: 'test'});
}
const verdict = (...args: Parameters<typeof judge>) =>
  judge(...args)
    .map(judgement => judgement.verdict)
    .join();

const vendorLink = '/usr/lib/systemd/system/sysinit.target.wants/a.service';
for (const [what, fact, whenTrue, whenFalse] of [
  ['enabled', unit('a.service', 'enabled'), 'pass', 'fail'],
  ['disabled', unit('a.service', 'disabled'), 'fail', 'pass'],
  ['enabled until the next boot', unit('a.service', 'enabled-runtime'), 'fail', 'pass'],
  ['linked', unit('a.service', 'linked'), 'fail', 'pass'],
  ['masked', unit('a.service', 'masked'), 'fail', 'pass'],
  ['static', unit('a.service', 'static'), 'fail', 'fail'],
  ['static, started by the vendor', unit('a.service', 'static', {links: [vendorLink]}), 'pass', 'fail'],
  [
    'static, started at shutdown',
    unit('a.service', 'static', {links: ['/usr/lib/systemd/system/reboot.target.wants/a.service']}),
    'fail',
    'fail',
  ],
  ['indirect', unit('a.service', 'indirect'), 'fail', 'fail'],
  ['generated', unit('a.service', 'generated'), 'fail', 'fail'],
  [
    'an init script with links',
    unit('a.service', 'generated', {sysv: true, links: ['/etc/rc2.d/S01a']}),
    'pass',
    'fail',
  ],
  ['an init script without links', unit('a.service', 'generated', {sysv: true}), 'fail', 'pass'],
  [
    'masked until the next boot, then enabled',
    unit('a.service', 'masked-runtime', {links: ['/etc/systemd/system/x.wants/a.service']}),
    'pass',
    'fail',
  ],
  ['masked until the next boot, then not', unit('a.service', 'masked-runtime'), 'fail', 'pass'],
  ['bad', unit('a.service', 'bad', {reason: 'it loops'}), 'unknown', 'unknown'],
  ['unseen', unit('a.service', 'unseen', {reason: 'cannot read it'}), 'unknown', 'unknown'],
] as const) {
  test(`serviceKind judges a unit that is ${what}`, t => {
    t.is(verdict({unit: 'a.service', enabled: true}, [fact]), whenTrue);
    t.is(verdict({unit: 'a.service', enabled: false}, [fact]), whenFalse);
  });
}

test('serviceKind judges an alias as the unit that it stands for', t => {
  const units = [
    unit('ssh.service', 'enabled'),
    unit('sshd.service', 'alias', {aliasOf: 'ssh.service'}),
    unit('lost.service', 'alias', {aliasOf: 'gone.service'}),
  ];
  const [judgement] = judge({unit: 'sshd.service', enabled: false}, units);
  t.like(judgement, {
    verdict: 'fail',
    compared: [{actual: 'enabled (it is ssh.service)'}],
    cure: 'systemctl disable --now ssh.service',
  });
  t.is(verdict({unit: 'lost.service', enabled: true}, units), 'unknown');
});

test('serviceKind judges an instance that nothing names by its template', t => {
  const units = [
    unit('getty@.service', 'enabled'),
    unit('plain@.service', 'static'),
    unit('masked@.service', 'masked'),
  ];
  t.is(verdict({unit: 'getty@tty9.service', enabled: true}, units), 'fail');
  t.is(verdict({unit: 'getty@tty9.service', enabled: false}, units), 'pass');
  t.is(verdict({unit: 'masked@x.service', masked: true}, units), 'pass');
  t.is(verdict({unit: 'none@x.service', masked: true}, units), 'none');
});

for (const [check, state, cure] of [
  [{enabled: true}, 'disabled', 'systemctl enable --now a.service'],
  [{enabled: true}, 'masked', 'systemctl unmask a.service; systemctl enable --now a.service'],
  [{enabled: true}, 'static', 'systemctl add-wants multi-user.target a.service'],
  [{enabled: false}, 'enabled', 'systemctl disable --now a.service'],
  [{enabled: false}, 'static', 'systemctl mask --now a.service'],
  [{masked: true}, 'enabled', 'systemctl mask --now a.service'],
  [{masked: true}, 'masked-runtime', 'systemctl mask --now a.service'],
  [{masked: false}, 'masked', 'systemctl unmask a.service'],
] as const) {
  test(`serviceKind cures ${JSON.stringify(check)} of a ${state} unit with "${cure}"`, t => {
    t.like(judge({unit: 'a.service', ...check}, [unit('a.service', state)])[0], {verdict: 'fail', cure});
  });
}

test('serviceKind judges what runs, and says when it starts and stops', t => {
  const units = [unit('a.service', 'enabled'), unit('b.service', 'disabled')];
  const live = {units: [running('a.service'), running('c.service')]};
  t.is(verdict({unit: 'a.service', enabled: true, active: true}, units, live), 'pass');
  t.like(judge({unit: 'a.service', active: false}, units, live)[0], {
    verdict: 'fail',
    scope: 'runtime',
    cure: 'systemctl stop a.service',
    compared: [{actual: 'active (running)'}],
  });
  t.like(judge({unit: 'b.service', active: true}, units, live)[0], {
    verdict: 'fail',
    cure: 'systemctl start b.service',
    compared: [{actual: 'inactive'}],
  });
});

test('serviceKind never passes on what runs when that was not seen', t => {
  const units = [unit('a.service', 'enabled')];
  t.is(verdict({unit: 'a.service', active: true}, units, {unseen: 'no answer'}), 'unknown');
  t.is(verdict({unit: 'a.service', enabled: true, active: true}, units, {unseen: 'no answer'}), 'unknown');
  t.is(verdict({unit: 'a.service', enabled: false, active: true}, units, {unseen: 'no answer'}), 'fail');
  t.is(verdict({unit: 'a.service', active: true}, units), 'not-applicable');
  t.like(judge({unit: 'a.service', enabled: true, active: true}, units)[0], {verdict: 'pass', scope: 'persistent'});
  t.is(verdict({any_of: ['a.service'], active: true}, units, {unseen: 'no answer'}), 'unknown');
});

test('serviceKind gives one finding each, and none when no unit is installed', t => {
  const units = [unit('a.service', 'enabled'), unit('a.socket', 'enabled'), unit('b.service', 'disabled')];
  t.is(verdict({unit: ['a.*', 'z.service'], enabled: false}, units), 'fail,fail');
  t.deepEqual(judge({unit: ['y.service', 'z*.service'], enabled: false}, units), [
    {subject: 'y.service', verdict: 'none', reason: 'y.service is not installed'},
  ]);
  t.is(verdict({unit: 'a.service', enabled: true}, []), 'none');
});

test('serviceKind wants at least one of several', t => {
  const units = [unit('a.service', 'disabled'), unit('b.service', 'enabled')];
  t.is(verdict({any_of: ['a.service', 'b.service']}, units), 'pass');
  t.is(verdict({any_of: ['a.service', 'c.service']}, units), 'fail');
  t.is(verdict({any_of: ['c.service']}, units), 'none');
  t.is(verdict({any_of: ['a.service', 'b.service'], active: true}, units, {units: []}), 'fail');
  t.is(verdict({any_of: ['a.service', 'b.service'], active: true}, units, {units: [running('b.service')]}), 'pass');
  t.is(
    verdict({any_of: ['a.service', 'x.service']}, [...units, unit('x.service', 'unseen', {reason: 'no'})]),
    'unknown',
  );
});

test('serviceKind lets no other service be enabled', t => {
  const units = [
    unit('a.service', 'enabled'),
    unit('getty@.service', 'enabled'),
    unit('getty@tty1.service', 'enabled'),
    unit('x.socket', 'enabled'),
    unit('systemd-journald.service', 'static', {links: [vendorLink]}),
    unit('old.service', 'generated', {sysv: true, links: ['/etc/rc2.d/S01old']}),
  ];
  t.deepEqual(
    judge({only: ['getty@*.service']}, units).map(({subject}) => subject),
    ['a.service', 'old.service'],
  );
  t.is(verdict({only: ['getty@*.service', 'a.service', 'old.service']}, units), 'pass');
  t.is(verdict({only: []}, [unit('u.service', 'unseen', {reason: 'no'})]), 'unknown');
});

test('serviceKind is unknown when units could not be looked at', t => {
  const facts = {get: () => unseen('cannot list /etc/systemd/system')} as unknown as Facts;
  t.is(
    serviceKind.judge({unit: 'a.service', enabled: false} as never, facts, {now: 0, rule: 'x'})[0]?.verdict,
    'unknown',
  );
});

for (const [check, problem] of [
  [{}, 'one of unit, any_of, only is wanted'],
  [{unit: 'a.service', only: []}, 'one of unit, any_of, only is wanted'],
  [{unit: 'a.service'}, 'nothing is expected: give at least one of enabled, masked, active'],
  [{only: ['a.service'], active: true}, '"only" takes no active'],
  [{any_of: ['a.service'], enabled: false}, '"any_of" takes "enabled: true" and "active: true" alone'],
] as const) {
  test(`serviceKind refuses ${JSON.stringify(check)}`, t => {
    t.deepEqual(
      serviceKind.problems?.(check as never).map(({message}) => message),
      [problem],
    );
  });
}

for (const check of [
  {unit: 'a.service', enabled: true, masked: false, active: true},
  {any_of: ['a.service', 'b.service'], active: true},
  {only: ['a.service', 'b.service']},
]) {
  test(`serviceKind turns each expectation of ${JSON.stringify(check)}`, t => {
    const units = [unit('a.service', 'enabled'), unit('b.service', 'enabled')];
    const live = {units: [running('a.service')]};
    t.is(verdict(check, units, live), 'pass');
    const flips = serviceKind.flips(check as never);
    t.true(flips.length > 0);
    for (const flip of flips) t.not(verdict(flip.check as never, units, live), 'pass', flip.what);
  });
}

test('unitPattern() matches stars and nothing else', t => {
  for (const [pattern, name, matches] of [
    ['a*.service', 'a.service', true],
    ['a*.service', 'abc.service', true],
    ['a*b*c', 'aXbYc', true],
    ['a*b*c', 'aXc', false],
    ['ab*ba', 'aba', false],
    ['*', '', true],
    ['a.service', 'axservice', false],
  ] as const)
    t.is(unitPattern(pattern)(name), matches, `${pattern} ${name}`);
});
