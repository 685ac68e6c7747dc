import {
  type ChangeInfo,
  changePage,
  type FindingInfo,
  findingPage,
  type HostInfo,
  hostPage,
  maxPageSize,
} from '../../../controller/protocol/api.ts';
import type {Controller, Query} from './client.ts';

/** All findings that the filters choose, page after page. */
export async function* allFindings(controller: Controller, filters: Query): AsyncGenerator<FindingInfo> {
  let cursor: string | undefined;
  do {
    const page = await controller.get('/api/v1/findings', findingPage, {...filters, limit: maxPageSize, cursor});
    yield* page.findings;
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
}

/** All hosts that the filters choose, page after page. */
export async function* allHosts(controller: Controller, filters: Query): AsyncGenerator<HostInfo> {
  let cursor: string | undefined;
  do {
    const page = await controller.get('/api/v1/hosts', hostPage, {...filters, limit: maxPageSize, cursor});
    yield* page.hosts;
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
}

/** The changes of a host that `isKnown` does not know, oldest first. Looks at no more than `most` of them. */
export async function newChanges(
  controller: Controller,
  host: string,
  isKnown: (change: ChangeInfo) => boolean,
  most: number,
): Promise<ChangeInfo[]> {
  const found: ChangeInfo[] = [];
  let cursor: string | undefined;
  do {
    const page = await controller.get('/api/v1/changes', changePage, {host, limit: 100, cursor});
    for (const change of page.changes) {
      if (isKnown(change)) return found.toReversed();
      found.push(change);
    }
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && found.length < most);
  return found.toReversed();
}
