import type {JSX} from 'preact';
import {useEffect, useMemo, useState} from 'preact/hooks';
import {linkTo, useAddress} from './address.ts';
import {Client, type ClientError, type Totals, type Verdict} from './client.ts';
import {type Health, surroundings, usePolled} from './polled.ts';
import {type Session, useSession} from './session.ts';
import {ChangesView} from './views/changes.tsx';
import {FindingsView} from './views/findings.tsx';
import {HostView} from './views/host.tsx';
import {HostsView} from './views/hosts.tsx';
import {SignIn} from './views/sign-in.tsx';
import {counted, number, span} from './words.ts';

/** Whoever has no token signs in; whoever has one sees the page until the controller says that it is not good. */
export function App(): JSX.Element {
  const session = useSession();
  const [message, setMessage] = useState<string | null>(null);
  if (session.token === null) {
    const signIn = (token: string) => {
      setMessage(null);
      session.signIn(token);
    };
    return <SignIn message={message} signIn={signIn} />;
  }
  const end = (why: string | null) => {
    setMessage(why);
    session.signOut();
  };
  return <SignedIn key={session.token} token={session.token} end={end} />;
}

const views = [
  {path: 'findings', word: 'Findings'},
  {path: 'hosts', word: 'Hosts'},
  {path: 'changes', word: 'Changes'},
] as const;

function SignedIn({token, end}: {token: string; end(why: string | null): void}): JSX.Element {
  const [health, setHealth] = useState<Health>({answeredAt: null, failures: new Map()});
  const around = useMemo(
    () => ({
      client: new Client(token),
      report(question: symbol, failure: ClientError | null | undefined) {
        if (failure?.kind === 'token') return end(failure.message);
        setHealth(({answeredAt, failures}) => {
          const others = [...failures].filter(([other]) => other !== question);
          return {
            answeredAt: failure === null ? Date.now() : answeredAt,
            failures: new Map(failure ? [...others, [question, failure]] : others),
          };
        });
      },
    }),
    [token],
  );
  return (
    <surroundings.Provider value={around}>
      <Frame health={health} signOut={() => end(null)} />
    </surroundings.Provider>
  );
}

function Frame({health, signOut}: {health: Health; signOut: Session['signOut']}): JSX.Element {
  const address = useAddress();
  const now = useNow();
  const totals = usePolled('totals', (client, signal) => client.totals(signal));
  const [view = 'findings', id] = address.path;
  useEffect(() => {
    const failing = totals === null ? 0 : (countsOf(totals).fail ?? 0);
    document.title = failing > 0 ? `${number(failing)} failing · reeve` : 'reeve';
  }, [totals]);
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        To the content
      </button>
      <header class="top">
        <a class="name" href={linkTo(['findings'])}>
          reeve
        </a>
        <nav aria-label="Views">
          {views.map(({path, word}) => (
            <a key={path} href={linkTo([path])} aria-current={view === path ? 'page' : undefined}>
              {word}
            </a>
          ))}
        </nav>
        {totals !== null && <Summary totals={totals} />}
        <button type="button" class="quiet" onClick={signOut}>
          Sign out
        </button>
      </header>
      <Banner health={health} now={now} />
      <main id="main" tabIndex={-1}>
        {view === 'hosts' && id !== undefined && <HostView id={id} address={address} now={now} />}
        {view === 'hosts' && id === undefined && <HostsView address={address} now={now} />}
        {view === 'changes' && <ChangesView address={address} now={now} />}
        {view !== 'hosts' && view !== 'changes' && (
          <FindingsView
            address={address}
            now={now}
            counts={totals === null ? null : countsOf(totals)}
            hasHosts={totals === null ? null : totals.hosts.active + totals.hosts.frozen > 0}
          />
        )}
      </main>
    </>
  );
}

function Summary({totals}: {totals: Totals}): JSX.Element {
  const hosts = totals.hosts.active + totals.hosts.frozen;
  return (
    <p class="summary">
      <span>{counted(hosts, 'host')}</span>
      <span>{number(totals.connected)} connected</span>
      {totals.hosts.frozen > 0 && <span class="bad">{number(totals.hosts.frozen)} frozen</span>}
    </p>
  );
}

/** Says how old what is shown is, while the controller is away. */
function Banner({health: {answeredAt, failures}, now}: {health: Health; now: number}): JSX.Element {
  const [failure] = failures.values();
  return (
    <div role="status">
      {failure !== undefined && (
        <p class="banner">
          {failure.message}
          {failure.kind === 'away' &&
            answeredAt !== null &&
            ` What is shown is ${span(Math.max(0, now - answeredAt))} old.`}{' '}
          Trying again…
        </p>
      )}
    </div>
  );
}

function countsOf(totals: Totals): {[V in Verdict]?: number} {
  const counts: {[V in Verdict]?: number} = {};
  for (const {verdict, count} of totals.findings) counts[verdict] = (counts[verdict] ?? 0) + count;
  return counts;
}

/** The time, once a second while the page is visible. */
function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
