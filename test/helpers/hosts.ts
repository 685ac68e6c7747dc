import {readFileSync} from 'node:fs';
import {parse} from 'yaml';
import type {Host} from '../../agent/host/host.ts';
import {type Fixture, fixtureSchema, mergeFixtures} from '../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../agent/host/memory/host.ts';
import {mismatches} from '../../policies/load/schema.ts';

/** A recorded machine of test/fixtures/hosts, with changes laid over it. */
export function recordedFixture(name: string, over: Fixture = {}): Fixture {
  const path = new URL(`../fixtures/hosts/${name}.yaml`, import.meta.url);
  const fixture: unknown = parse(readFileSync(path, 'utf8'));
  const wrong = mismatches(fixtureSchema, fixture).map(({at, message}) => `${at.join('.')}: ${message}`);
  if (wrong.length > 0) throw new Error(`${name}.yaml is no fixture: ${wrong.join('; ')}`);
  return mergeFixtures(fixture as Fixture, over);
}

export const recordedHost = (name: string, over: Fixture = {}): Host => memoryHost(recordedFixture(name, over));
