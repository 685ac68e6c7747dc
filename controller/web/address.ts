import {useEffect, useState} from 'preact/hooks';

/** What the part of the address behind `#` says: which view, of what, and its filters. */
export type Address = {path: string[]; filters: URLSearchParams};

function readAddress(): Address {
  const [path = '', search = ''] = location.hash.replace(/^#\/?/, '').split('?');
  return {path: path.split('/').filter(Boolean).map(decode), filters: new URLSearchParams(search)};
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function useAddress(): Address {
  const [address, setAddress] = useState(readAddress);
  useEffect(() => {
    const onHash = () => setAddress(readAddress());
    addEventListener('hashchange', onHash);
    return () => removeEventListener('hashchange', onHash);
  }, []);
  return address;
}

export function linkTo(path: readonly string[], filters: URLSearchParams | {[key: string]: string} = {}): string {
  const search = new URLSearchParams(filters).toString();
  return `#/${path.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`;
}

/** Changes filters without a new entry in the history: typing must not fill it. */
export function replaceFilters({path}: Address, filters: URLSearchParams): void {
  history.replaceState(null, '', linkTo(path, filters));
  dispatchEvent(new HashChangeEvent('hashchange'));
}
