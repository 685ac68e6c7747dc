import type {LoadedSite, RefusedSite} from '../../checker/messages.ts';
import {type RunningChecker, startChecker} from './child.ts';
import type {Clocks} from './clocks.ts';

export type LoaderOptions = {
  program: string;
  /** agent.yaml, or null for the usual place. */
  config: string | null;
  bundle: string;
  clocks: Clocks;
  /** How long loading may take, milliseconds. */
  budgetMs: number;
};
export type Loading = {loaded: LoadedSite | null; refused: RefusedSite | null};

/** Loads the site in a checker, one at a time. */
export class Loader {
  readonly #options: LoaderOptions;
  #checker: RunningChecker | null = null;

  constructor(options: LoaderOptions) {
    this.#options = options;
  }

  /**
   * `load` reads the files, `last` takes the bundle of the last good ones. A checker that does not end well refuses with
   * REEVE_LOAD_FAILED; the site's paths are then `sitePaths`, those that were known before.
   */
  async run(job: 'load' | 'last', sitePaths: string[]): Promise<Loading> {
    const {program, config, bundle, clocks, budgetMs} = this.#options;
    const found: Loading = {loaded: null, refused: null};
    this.#checker = startChecker(
      {job, config, bundle},
      {
        program,
        clocks,
        budgetMs: () => budgetMs,
        onEvent: event => {
          if (event.event === 'loaded') found.loaded = event;
          if (event.event === 'refused') found.refused = event;
        },
      },
    );
    const ending = await this.#checker.ended;
    this.#checker = null;
    if (ending.how === 'done' || ending.how === 'stopped') return found;
    const why = ending.how === 'died' ? ending.reason : `it took longer than ${ending.budgetMs / 1000} s`;
    const message = `cannot load configuration and packs: ${why}`;
    found.refused ??= {event: 'refused', code: 'REEVE_LOAD_FAILED', message, problems: [], site: sitePaths};
    return found;
  }

  stop(): void {
    this.#checker?.stop();
  }
}
