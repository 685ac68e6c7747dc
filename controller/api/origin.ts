import {isIP} from 'node:net';
import {ApiFailure} from './errors.ts';

/**
 * Refuses what no client of ours would send. A name in `Host` that is not the controller's is how a foreign page reaches
 * a listener on loopback (DNS rebinding); an address cannot be rebound, so any is taken. `Origin` and `Sec-Fetch-Site` say that another page is asking.
 * `isDocument`: the page itself may be linked to from anywhere, as it shows nothing without a token.
 */
export function refuseForeign(request: Request, names: readonly string[], isDocument: boolean): void {
  const host = request.headers.get('host') ?? '';
  const name = nameOf(host);
  if (name !== 'localhost' && isIP(name) === 0 && !names.some(known => known.toLowerCase() === name))
    throw new ApiFailure('NAME_REFUSED');
  const origin = request.headers.get('origin');
  if (origin !== null && !isOriginOf(origin, host)) throw new ApiFailure('ORIGIN_REFUSED');
  const site = request.headers.get('sec-fetch-site') ?? 'none';
  const isLink = isDocument && request.headers.get('sec-fetch-mode') === 'navigate';
  if (!isLink && site !== 'same-origin' && site !== 'none') throw new ApiFailure('ORIGIN_REFUSED');
}

/** The name of a Host header, lower case, without its port, the brackets of IPv6 and the dot that may end it. */
function nameOf(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d{1,5}$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

const isOriginOf = (origin: string, host: string) =>
  origin.toLowerCase() === `http://${host.toLowerCase()}` || origin.toLowerCase() === `https://${host.toLowerCase()}`;
