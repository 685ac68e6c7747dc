import {readFileSync} from 'node:fs';
import test from 'ava';
import {parseBinaryPolicy} from '../../../../../agent/host/facts/mac/policy.ts';
import {PolicyError} from '../../../../../agent/host/facts/mac/policy-reader.ts';
import {cpuMs} from '../../../../helpers/cpu.ts';
import {seeded} from '../../../../helpers/random.ts';

const vector = (name: string) => readFileSync(new URL(`../../../../vectors/selinux/${name}`, import.meta.url));

for (const [name, version, mls] of [
  ['tiny.mls.24', 24, true],
  ['tiny.mls.28', 28, true],
  ['tiny.mls.33', 33, true],
  ['tiny.plain.31', 31, false],
] as const) {
  test(`parseBinaryPolicy() reads permissive domains and booleans of ${name}`, t => {
    const policy = parseBinaryPolicy(vector(name));
    t.is(policy.version, version);
    t.is(policy.mls, mls);
    t.deepEqual(policy.permissive.toSorted(), ['batch_t', 'web_t']);
    t.deepEqual([...policy.booleans].toSorted(), [
      ['web_reads_notes', true],
      ['web_sends_mail', false],
    ]);
  });
}

test('parseBinaryPolicy() refuses what is no policy, and formats that it does not know', t => {
  const whole = vector('tiny.mls.33');
  t.throws(() => parseBinaryPolicy(Buffer.from('#!/bin/sh\n')), {
    instanceOf: PolicyError,
    message: 'it does not begin as a kernel policy does',
  });
  const newer = Buffer.from(whole);
  newer.writeUInt32LE(36, 16);
  t.throws(() => parseBinaryPolicy(newer), {instanceOf: PolicyError, message: 'its format is 36, known are 24 to 35'});
});

test('parseBinaryPolicy() reads what stands behind the neveraudit map of format 35', t => {
  const whole = vector('tiny.mls.33');
  const afterMaps = mapsEnd(whole);
  const neverAudit = Buffer.from([64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  const newer = Buffer.concat([whole.subarray(0, afterMaps), neverAudit, whole.subarray(afterMaps)]);
  newer.writeUInt32LE(35, 16);
  t.deepEqual(parseBinaryPolicy(newer).permissive.toSorted(), ['batch_t', 'web_t']);
});

/** Where the permissive map ends: header of 32 bytes, then two maps of 12 bytes and 12 a node. */
function mapsEnd(policy: Buffer): number {
  let at = 32;
  for (let map = 0; map < 2; map++)
    at += 12 + (policy.readUInt32LE(at + 4) === 0 ? 0 : 12 * policy.readUInt32LE(at + 8));
  return at;
}

test('parseBinaryPolicy() refuses every policy that was cut short, without reading past its end', t => {
  const whole = vector('tiny.mls.33');
  let refused = 0;
  for (let length = 0; length < 900; length++) {
    try {
      parseBinaryPolicy(whole.subarray(0, length));
    } catch (error) {
      t.true(error instanceof PolicyError, `${length} bytes: ${error}`);
      refused++;
    }
  }
  t.true(refused > 800, `only ${refused} were refused`);
});

test('parseBinaryPolicy() answers or refuses, and never hangs, on damaged bytes', t => {
  const whole = vector('tiny.mls.33');
  const random = seeded(7);
  const started = process.cpuUsage();
  for (let round = 0; round < 3000; round++) {
    const damaged = Buffer.from(whole);
    for (let change = 0; change < 4; change++) damaged[random(damaged.length)] = random(256);
    try {
      parseBinaryPolicy(damaged);
    } catch (error) {
      t.true(error instanceof PolicyError, String(error));
    }
  }
  t.true(cpuMs(started) < 10_000);
});
