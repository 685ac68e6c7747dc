import type {Answer} from '../../../policies/facts/answer.ts';
import type {FactMap, FactName} from '../../../policies/facts/index.ts';
import type {Host} from '../host.ts';
import type {HostTables} from './tables.ts';

/** What a collector works with: the host, and what several collectors share, each read once. */
export type Looking = {
  host: Host;
  tables: HostTables;
  /** Told now and then how far a look that may take long has come, in words for a terminal. */
  progress?: (text: string) => void;
  /** The machine that runs reeve and its policy directory, where the judged host is another: an image. */
  site?: {program: Host; directory: string};
};

/**
 * Looks up all requests of one fact together, in their order, so that one walk or one read can serve many.
 * Never throws for what the host holds: that is `unseen` with its reason.
 */
export type Collector<F extends FactName> = (
  requests: Array<FactMap[F]['request']>,
  looking: Looking,
) => Promise<Array<Answer<FactMap[F]['value']>>>;

/** A collector for a fact that has one value a host. */
export function single<F extends FactName>(
  look: (looking: Looking) => Promise<Answer<FactMap[F]['value']>>,
): Collector<F> {
  return async (requests, looking) => {
    const answer = await look(looking);
    return requests.map(() => answer);
  };
}
