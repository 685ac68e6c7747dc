import {type Answer, unseen} from '../../../policies/facts/answer.ts';
import {type FactName, type FactRequest, type Facts, factKey} from '../../../policies/facts/index.ts';
import type {Host} from '../host.ts';
import type {Collector, Looking} from './collector.ts';
import {collectors} from './index.ts';
import {HostTables} from './tables.ts';

export type Collected = {
  facts: Facts;
  /** What looking cost for each request, by its key; looking that served several is shared out evenly. */
  costMs: Map<string, number>;
};

/** Looks up every request, one fact after the other. `progress` is told of each fact before it begins. */
export async function collectFacts(host: Host, requests: FactRequest[], progress: (fact: FactName, count: number) => void = () => {}): Promise<Collected> {
  const answers = new Map<string, Answer<unknown>>();
  const costMs = new Map<string, number>();
  const looking: Looking = {host, tables: new HostTables(host)};
  for (const [fact, group] of Map.groupBy(requests, request => request.fact)) {
    progress(fact, group.length);
    const started = host.clock();
    const found = await collectGroup(fact, group, looking);
    const each = (host.clock() - started) / group.length;
    for (const [index, request] of group.entries()) {
      answers.set(factKey(request), found[index] as Answer<unknown>);
      costMs.set(factKey(request), each);
    }
  }
  const facts: Facts = {
    get: request => {
      const answer = answers.get(factKey(request));
      if (answer === undefined) throw new Error(`the fact ${factKey(request)} was never asked for`);
      return answer as never;
    },
  };
  return {facts, costMs};
}

/** A collector that throws has a bug: its facts are unseen, the others still count. */
async function collectGroup(fact: FactName, group: FactRequest[], looking: Looking): Promise<Array<Answer<unknown>>> {
  const collect = collectors[fact] as Collector<FactName> | undefined;
  if (collect === undefined) return group.map(() => unseen(`reeve has no way to look up "${fact}"`));
  try {
    return await collect(group as never, looking);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return group.map(() => unseen(`cannot look up ${fact}: ${message}; this is a bug in reeve, please report it`));
  }
}
