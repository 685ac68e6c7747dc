import type {
  ApiError,
  ChangePage,
  FindingInfo,
  FindingPage,
  HostDetail,
  HostInfo,
  HostPage,
  RulePage,
  Totals,
} from '../protocol/api.ts';

export type {ChangeInfo, FindingInfo, HostDetail, HostInfo, RuleInfo, Totals} from '../protocol/api.ts';
export type Verdict = FindingInfo['finding']['verdict'];
export type Severity = FindingInfo['finding']['severity'];

/** Why there is no answer. `away`: none came. `token`: it is not good (any more). `refused`: what the message says. */
export class ClientError extends Error {
  readonly kind: 'away' | 'token' | 'refused';

  constructor(kind: ClientError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

export type Query = {[key: string]: string | number | readonly string[] | undefined};

const timeoutMs = 15_000;
const pageSize = 500;

/** The API, for one token. */
export class Client {
  readonly #token: string;

  constructor(token: string) {
    this.#token = token;
  }

  totals = (signal: AbortSignal) => this.#get<Totals>('/totals', {}, signal);
  host = (id: string, signal: AbortSignal) => this.#get<HostDetail>(`/hosts/${encodeURIComponent(id)}`, {}, signal);
  rules = (query: Query, signal: AbortSignal) => this.#get<RulePage>('/rules', query, signal);
  changes = (query: Query, most: number, signal: AbortSignal) =>
    this.#list(
      most,
      limits => this.#get<ChangePage>('/changes', {...query, ...limits}, signal),
      page => page.changes,
    );
  hosts = (query: Query, most: number, signal: AbortSignal): Promise<List<HostInfo>> =>
    this.#list(
      most,
      limits => this.#get<HostPage>('/hosts', {...query, ...limits}, signal),
      page => page.hosts,
    );
  findings = (query: Query, most: number, signal: AbortSignal): Promise<List<FindingInfo>> =>
    this.#list(
      most,
      limits => this.#get<FindingPage>('/findings', {...query, ...limits}, signal),
      page => page.findings,
    );

  /** As many pages as `most` rows take. */
  async #list<P extends {next: string | null}, T>(
    most: number,
    ask: (limits: Query) => Promise<P>,
    rowsOf: (page: P) => T[],
  ): Promise<List<T>> {
    const rows: T[] = [];
    let cursor: string | undefined;
    do {
      const page = await ask({limit: Math.min(pageSize, most - rows.length), cursor});
      rows.push(...rowsOf(page));
      cursor = page.next ?? undefined;
    } while (cursor !== undefined && rows.length < most);
    return {rows, hasMore: cursor !== undefined};
  }

  async #get<T>(path: string, query: Query, signal: AbortSignal): Promise<T> {
    const search = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) {
      for (const one of Array.isArray(value) ? value : value === undefined ? [] : [value]) search.append(key, `${one}`);
    }
    const question = search.size === 0 ? '' : `?${search}`;
    let response: Response;
    try {
      response = await fetch(`/api/v1${path}${question}`, {
        headers: {Authorization: `Bearer ${this.#token}`},
        credentials: 'omit',
        cache: 'no-store',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      if (response.ok) return (await response.json()) as T;
    } catch (error) {
      if (signal.aborted) throw error;
      throw new ClientError('away', 'The controller does not answer.');
    }
    const {error} = (await response.json().catch(() => ({}))) as Partial<ApiError>;
    if (response.status === 401)
      throw new ClientError('token', 'The token is not good any more: it expired or was revoked.');
    if (response.status >= 500) throw new ClientError('away', 'The controller cannot reach its database.');
    throw new ClientError(
      'refused',
      `The controller refused to answer: ${error?.message ?? `status ${response.status}`}.`,
    );
  }
}

export type List<T> = {rows: T[]; hasMore: boolean};
