import {useEffect, useState} from 'preact/hooks';

const key = 'reeve-token';

/**
 * Takes a token out of the address (`#token=…`), where it would stay in the history and be copied with the link. Kept for
 * this tab alone.
 */
function takeFromAddress(): void {
  const token = /^#token=([\x21-\x7e]{1,200})$/.exec(location.hash)?.[1];
  if (token === undefined) return;
  history.replaceState(null, '', `${location.pathname}#/findings`);
  sessionStorage.setItem(key, token);
}

export type Session = {token: string | null; signIn(token: string): void; signOut(): void};

export function useSession(): Session {
  const [token, setToken] = useState(() => {
    takeFromAddress();
    return sessionStorage.getItem(key);
  });
  useEffect(() => {
    const onHash = () => {
      takeFromAddress();
      setToken(sessionStorage.getItem(key));
    };
    addEventListener('hashchange', onHash);
    return () => removeEventListener('hashchange', onHash);
  }, []);
  return {
    token,
    signIn(value) {
      sessionStorage.setItem(key, value);
      setToken(value);
    },
    signOut() {
      sessionStorage.removeItem(key);
      setToken(null);
    },
  };
}
