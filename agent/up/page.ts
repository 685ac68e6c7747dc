import {newToken, tokenList} from '../../controller/protocol/api.ts';
import type {Controller} from '../cli/controller/client.ts';

/** Of the token in the address of the page, seconds. */
const lifeSeconds = 12 * 3600;
const tokenName = 'page of reeve up';

/** The address of the page with a token to read, and how to end that token. */
export type PageAddress = {url: string; revoke(): Promise<void>; lifeMs: number};

/** Makes the address. The token stands behind `#`, so browsers send it to nobody. Tokens that a killed run left are revoked. */
export async function openPage(controller: Controller, port: number): Promise<PageAddress> {
  const {tokens} = await controller.get('/api/v1/tokens', tokenList);
  for (const {id, name, revokedAt} of tokens)
    if (name === tokenName && revokedAt === null) await controller.delete(`/api/v1/tokens/${id}`);
  const made = await controller.post('/api/v1/tokens', newToken, {
    kind: 'api',
    name: tokenName,
    scope: 'read',
    expiresIn: lifeSeconds,
  });
  return {
    url: `http://127.0.0.1:${port}/#token=${made.token}`,
    revoke: () => controller.delete(`/api/v1/tokens/${made.id}`),
    lifeMs: lifeSeconds * 1000,
  };
}
