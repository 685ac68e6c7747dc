import type {Answer} from '../policies/facts/answer.ts';
import type {FactMap, FactRequest} from '../policies/facts/index.ts';
import type {Json} from '../policies/json.ts';
import {whyUnknown} from '../policies/kinds/patch/updates.ts';
import {renderPatch} from './cli/patch-view.ts';
import {collectFacts} from './host/facts/collect.ts';
import type {Host} from './host/host.ts';

/** All that `reeve patch` shows, as it was seen. */
export type PatchState = {
  [F in 'updates' | 'reboot' | 'staleLibraries' | 'support' | 'autoUpdates']: Answer<FactMap[F]['value']>;
} & {
  now: number;
  /** Why the pending security updates are not known for sure; null when they are. */
  updatesUnknown: string | null;
};

export type PatchOptions = {
  /** Columns that a line of text may have; default 80. A word that is longer stays whole. */
  columns?: number;
  progress?: (text: string) => void;
};

/**
 * How far this host is behind its vendor, without any rule. `verdictUnknown` is true when something that a machine of
 * this kind has could not be looked at, or the package lists say nothing sure.
 */
export async function patchReport(
  host: Host,
  {columns = 80, progress = () => {}}: PatchOptions,
): Promise<{json: Json; text: string[]; verdictUnknown: boolean}> {
  const names = ['updates', 'reboot', 'staleLibraries', 'support', 'autoUpdates'] as const;
  const requests: FactRequest[] = names.map(fact => ({fact}));
  const {facts} = await collectFacts(host, requests, {progress});
  const now = host.now();
  const updates = facts.get({fact: 'updates'});
  const state: PatchState = {
    updates,
    reboot: facts.get({fact: 'reboot'}),
    staleLibraries: facts.get({fact: 'staleLibraries'}),
    support: facts.get({fact: 'support'}),
    autoUpdates: facts.get({fact: 'autoUpdates'}),
    now,
    updatesUnknown: updates.state === 'seen' ? whyUnknown(updates.value, {}, now) : null,
  };
  const verdictUnknown = state.updatesUnknown !== null || names.some(name => isOpen(state, name));
  const {now: _, ...shown} = state;
  const json = {observedAt: new Date(now).toISOString(), ...shown} as unknown as Json;
  return {json, text: renderPatch(state, columns), verdictUnknown};
}

function isOpen(state: PatchState, name: 'updates' | 'reboot' | 'staleLibraries' | 'support' | 'autoUpdates'): boolean {
  const answer = state[name];
  if (answer.state !== 'seen') return answer.state === 'unseen';
  const {reboot, staleLibraries, autoUpdates} = state;
  if (name === 'reboot') return reboot.state === 'seen' && reboot.value.required === null;
  if (name === 'staleLibraries') return staleLibraries.state === 'seen' && staleLibraries.value.unreadable.length > 0;
  return name === 'autoUpdates' && autoUpdates.state === 'seen' && autoUpdates.value.steps.some(({ok}) => ok === null);
}
