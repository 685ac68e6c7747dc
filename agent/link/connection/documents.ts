import type {DocumentKind, FromHost} from '../../../controller/protocol/messages.ts';
import type {Clock} from '../clock.ts';

export type Document = Extract<FromHost, {t: 'document'}>['b'];
/** The host's documents, by digest. */
export type Named = {rules?: string; inventory?: string};

/** Milliseconds in which a controller says that it keeps a document that a heartbeat named; then it is sent. */
const keptWithinMs = 5_000;

/**
 * The documents of one session. `hello` names those that there are and `welcome` says which are lacking. Later ones are
 * named by a heartbeat, and sent unless `kept` says that they are there. Each is sent once a session, however often the
 * controller asks.
 */
export class DocumentOffer {
  readonly #fetch: (kind: DocumentKind, digest: string) => void;
  readonly #clock: Clock;
  readonly #settled = new Set<string>();
  readonly #fetching = new Set<string>();
  readonly #kept = new Set<string>();
  #timers: Array<() => void> = [];
  #named: Named = {};

  /** `fetch` leads to `arrived()`, sooner or later. */
  constructor(fetch: (kind: DocumentKind, digest: string) => void, clock: Clock) {
    this.#fetch = fetch;
    this.#clock = clock;
  }

  greeted(named: Named, wanted: readonly string[]): void {
    this.#named = named;
    for (const digest of Object.values(named)) this.#settled.add(digest);
    for (const digest of wanted) this.#want(digest);
  }

  /** True when there is something that the controller was not told of, so that a heartbeat is due. */
  name(named: Named): boolean {
    this.#named = named;
    const fresh = Object.values(named).filter(digest => !this.#settled.has(digest));
    for (const digest of fresh) {
      this.#settled.add(digest);
      this.#kept.delete(digest);
      this.#timers.push(
        this.#clock.after(keptWithinMs, () => {
          if (!this.#kept.has(digest)) this.#want(digest);
        }),
      );
    }
    return fresh.length > 0;
  }

  kept(digests: readonly string[]): void {
    for (const digest of digests) if (this.#settled.has(digest)) this.#kept.add(digest);
  }

  #want(digest: string): void {
    const kind = (['rules', 'inventory'] as const).find(name => this.#named[name] === digest);
    if (kind === undefined || this.#fetching.has(digest)) return;
    this.#fetching.add(digest);
    this.#fetch(kind, digest);
  }

  /** Whether this document was asked for in this session. */
  isAwaited(digest: string): boolean {
    return this.#fetching.has(digest);
  }

  end(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers = [];
  }
}
