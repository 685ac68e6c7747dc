import test, {type ExecutionContext} from 'ava';
import {collectFacts} from '../../../../agent/host/facts/collect.ts';
import type {Answer} from '../../../../policies/facts/answer.ts';
import type {FactRequest, FactValue} from '../../../../policies/facts/index.ts';
import {recordedHost} from '../../../helpers/hosts.ts';

/** What the recorded machine answers; all facts of one check together, as in `reeve patch`. */
async function answers(t: ExecutionContext, name: string) {
  const names = ['packages', 'updates', 'reboot', 'staleLibraries', 'support'] as const;
  const {facts} = await collectFacts(
    recordedHost(name),
    names.map(fact => ({fact})),
  );
  return <F extends (typeof names)[number]>(fact: F): FactValue<{fact: F} & FactRequest> => {
    const answer = facts.get({fact} as FactRequest) as Answer<FactValue<{fact: F} & FactRequest>>;
    return answer.state === 'seen' ? answer.value : t.fail(`${fact}: ${answer.reason}`);
  };
}

test('a Rocky Linux 9 that was updated and not started anew is seen so in every fact', async t => {
  const get = await answers(t, 'rocky9-behind');
  const {manager, nativeArchitecture, packages} = get('packages');
  t.deepEqual(
    {manager, nativeArchitecture, count: packages.length},
    {manager: 'rpm', nativeArchitecture: 'x86_64', count: 9},
  );
  const {pending, securityUnknown, metadata} = get('updates');
  t.deepEqual(securityUnknown, []);
  t.is(metadata.fetchedAt, '2026-11-21T05:00:00.000Z');
  t.is(metadata.releasedAt, '2026-11-21T03:00:00.000Z');
  t.deepEqual(
    pending.map(({package: name, installed, candidate, securityVersion, advisories, masked, publishedAt}) => [
      name,
      installed,
      candidate,
      securityVersion,
      advisories,
      masked,
      publishedAt,
    ]),
    [
      [
        'nodejs',
        '1:18.20.4-1.module+el9.4.0',
        '1:18.20.8-1.module+el9.6.0',
        '1:18.20.8-1.module+el9.6.0',
        ['RLSA-2026:2001'],
        false,
        '2026-11-18T08:00:00.000Z',
      ],
      [
        'openssl-libs',
        '1:3.2.2-6.el9_5',
        '1:3.5.1-3.el9',
        '1:3.2.2-7.el9_6',
        ['RLSA-2026:1001'],
        true,
        '2026-09-30T10:00:00.000Z',
      ],
    ],
  );
  t.like(get('reboot'), {
    required: true,
    reasons: ['kernel 5.14.0-611.5.1.el9_7.x86_64 is installed, 5.14.0-570.17.1.el9_6.x86_64 runs'],
    bootDefault: '5.14.0-611.5.1.el9_7.x86_64',
    sameReleaseNewBuild: false,
  });
  t.deepEqual(get('staleLibraries').stale, [
    {
      pid: 812,
      name: 'rserver',
      uid: 990,
      unit: 'rstudio-server.service',
      executable: false,
      paths: ['/usr/lib64/libssl.so.3.2.2'],
    },
  ]);
  t.deepEqual(get('support').phases, [{kind: 'regular', ends: '2032-05-31'}]);
});

test('a Fedora 43 with a locked package is seen so in every fact', async t => {
  const get = await answers(t, 'fedora43-locked');
  const {pending, securityUnknown, metadata, notes} = get('updates');
  t.deepEqual(securityUnknown, []);
  t.is(metadata.fetchedAt, '2026-11-20T04:00:00.000Z');
  t.deepEqual(
    pending.map(({package: name, candidate, security, held, advisories}) => [
      name,
      candidate,
      security,
      held,
      advisories,
    ]),
    [
      ['curl', '8.15.0-4.fc43', true, true, ['FEDORA-2026-0a1b2c3d4e']],
      ['python3', '3.14.1-1.fc43', false, false, []],
    ],
  );
  t.deepEqual(notes, ['repositories that are not enabled were left out: fedora-cisco-openh264']);
  t.like(get('reboot'), {required: false, newestInstalledKernel: '6.17.4-200.fc43.x86_64'});
  t.deepEqual(get('support').phases, [{kind: 'regular', ends: '2026-12-02'}]);
});
