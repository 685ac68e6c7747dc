import {request} from 'node:http';
import type {
  ChangeInfo,
  ChangePage,
  FindingInfo,
  FindingPage,
  HostDetail,
  HostInfo,
  HostPage,
  NewTokenAnswer,
} from '../../controller/protocol/api.ts';

/** The controller's interface through the socket of its own machine. */
export class Api {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  /** Rejects when nothing listens, on any status that is no success, and after 5 s. */
  async ask<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> {
    const text = body === undefined ? '' : JSON.stringify(body);
    return await new Promise((resolve, reject) => {
      const sent = request(
        {
          socketPath: this.#socket,
          method,
          path: `/api/v1${path}`,
          timeout: 5000,
          headers: {host: 'localhost', 'content-type': 'application/json', 'content-length': Buffer.byteLength(text)},
        },
        response => {
          let answer = '';
          response.setEncoding('utf8').on('data', (chunk: string) => {
            answer += chunk;
          });
          response.on('error', reject).on('end', () => {
            const status = response.statusCode ?? 0;
            if (status < 300) resolve(JSON.parse(answer));
            else reject(new Error(`${method} ${path}: ${status} ${answer.slice(0, 300)}`));
          });
        },
      );
      sent.on('timeout', () => sent.destroy(new Error(`${method} ${path}: no answer within 5 s`)));
      sent.on('error', reject).end(text);
    });
  }

  /** A ticket for this many hosts. */
  async ticket(uses: number): Promise<string> {
    const made = await this.ask<NewTokenAnswer>('POST', '/tokens', {
      kind: 'enrol',
      name: 'bench',
      expiresIn: 3600,
      uses,
    });
    if (made.ticket === null) throw new Error('the controller made a token without a ticket');
    return made.ticket;
  }

  async hosts(): Promise<HostInfo[]> {
    return await this.#pages<HostInfo>('/hosts', page => (page as HostPage).hosts);
  }

  async host(id: string): Promise<HostDetail> {
    return await this.ask<HostDetail>('GET', `/hosts/${id}`);
  }

  /** `query` as in a URL, e.g. `rule=ssh.x11`. */
  async findings(query: string): Promise<FindingInfo[]> {
    return await this.#pages<FindingInfo>(`/findings?${query}`, page => (page as FindingPage).findings);
  }

  /** All changes of a host, the newest first. */
  async changes(host: string): Promise<ChangeInfo[]> {
    return await this.#pages<ChangeInfo>(`/changes?host=${host}`, page => (page as ChangePage).changes);
  }

  async #pages<T>(path: string, of: (page: {next: string | null}) => T[]): Promise<T[]> {
    const all: T[] = [];
    let cursor = '';
    for (;;) {
      const joint = path.includes('?') ? '&' : '?';
      const page = await this.ask<{next: string | null}>('GET', `${path}${joint}limit=500${cursor}`);
      all.push(...of(page));
      if (page.next === null) return all;
      cursor = `&cursor=${encodeURIComponent(page.next)}`;
    }
  }
}
