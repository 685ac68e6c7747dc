import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {Enrolling} from '../../../agent/daemon/enrolling.ts';
import {Identity} from '../../../agent/daemon/keys/enrolment.ts';
import {makeToken, writeJoinTicket} from '../../../controller/protocol/join.ts';

const url = 'wss://controller.example:7443/agent';
const ticket = () =>
  writeJoinTicket({
    v: 1,
    url,
    pins: ['ab'.repeat(32)],
    fleet: '01934f2a-0000-7000-8000-000000000001',
    token: makeToken('enrol'),
  });

for (const [isLinked, message] of [
  [true, `the controller at ${url} did not answer within 0.01 s`],
  [false, `no link was running for 0.01 s to carry the ticket to ${url}: start reeve link, or look at its log`],
] as const) {
  test(`Enrolling says who was silent, ${isLinked ? 'the controller' : 'or that there was no link'}`, async t => {
    const folder = mkdtempSync(join(tmpdir(), 'reeve-enrolling-'));
    t.teardown(() => rmSync(folder, {recursive: true}));
    const identity = Identity.open(folder, process.geteuid?.() ?? 0);
    const watchers = {onChange: () => {}, onEnrolled: () => {}, isLinked: () => isLinked};
    const enrolling = new Enrolling(identity, watchers, 10);
    await t.throwsAsync(enrolling.begin(ticket(), false), {code: 'REEVE_ENROL_FAILED', message});
    t.is(enrolling.open, null);
  });
}
