import {type Answer, unseen} from '../../../policies/facts/answer.ts';
import {type FactName, type FactRequest, type Facts, factKey} from '../../../policies/facts/index.ts';
import type {Host} from '../host.ts';
import type {Collector, Looking} from './collector.ts';
import {collectors} from './index.ts';
import {HostTables} from './tables.ts';

export type CollectOptions = {
  /** Told of each fact before it is looked up, and by looks that take long how far they have come. */
  progress?: (text: string) => void;
  site?: Looking['site'];
};

/** The facts of one host, looked up in as many steps as it takes; each request is looked up once. */
export class Collection {
  /** What looking cost for each request, by its key; looking that served several is shared out evenly. */
  readonly costMs = new Map<string, number>();
  readonly facts: Facts;
  readonly #answers = new Map<string, Answer<unknown>>();
  readonly #looking: Looking;
  readonly #progress: (text: string) => void;

  constructor(host: Host, {progress = () => {}, site}: CollectOptions = {}) {
    this.#progress = progress;
    this.#looking = {host, tables: new HostTables(host), progress, ...(site === undefined ? {} : {site})};
    this.facts = {
      get: request => {
        const answer = this.#answers.get(factKey(request));
        if (answer === undefined) throw new Error(`the fact ${factKey(request)} was never asked for`);
        return answer as never;
      },
    };
  }

  /** Looks up what is not known yet, one fact after the other. `before` is told of each group that is looked up in one go. */
  async look(
    requests: FactRequest[],
    before: (fact: FactName, group: FactRequest[]) => void = () => {},
  ): Promise<void> {
    const open = requests.filter(request => !this.#answers.has(factKey(request)));
    const {host} = this.#looking;
    for (const [fact, group] of Map.groupBy(open, request => request.fact)) {
      before(fact, group);
      this.#progress(`looking at ${fact}${group.length > 1 ? ` (${group.length})` : ''}`);
      const started = host.clock();
      const found = await collectGroup(fact, group, this.#looking);
      const each = (host.clock() - started) / group.length;
      for (const [index, request] of group.entries()) {
        this.#answers.set(factKey(request), found[index] as Answer<unknown>);
        this.costMs.set(factKey(request), each);
      }
    }
  }
}

/** Looks up every request in one step. */
export async function collectFacts(
  host: Host,
  requests: FactRequest[],
  options: CollectOptions = {},
): Promise<Collection> {
  const collection = new Collection(host, options);
  await collection.look(requests);
  return collection;
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
