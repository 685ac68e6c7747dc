import {createContext} from 'preact';
import {useContext, useEffect, useState} from 'preact/hooks';
import {type Client, ClientError} from './client.ts';

const everyMs = 3_000;

/** How the last questions went: when one was answered, and what is not answered now. */
export type Health = {answeredAt: number | null; failures: ReadonlyMap<symbol, ClientError>};
/** `report`: null is a good answer, undefined says that nobody asks this any more. */
export type Surroundings = {client: Client; report(question: symbol, failure: ClientError | null | undefined): void};
export const surroundings = createContext<Surroundings | null>(null);

export function useClient(): Surroundings {
  const value = useContext(surroundings);
  if (value === null) throw new Error('this is shown to people who signed in');
  return value;
}

/**
 * What `ask` answers, asked again every 3 s while the page is visible. Null until the first answer; the last answer stays
 * while the controller is away. `subject` says what is asked for: another one starts anew, and the old answer is shown
 * until the new one is there.
 */
export function usePolled<T>(subject: string, ask: (client: Client, signal: AbortSignal) => Promise<T>): T | null {
  const {client, report} = useClient();
  const [answer, setAnswer] = useState<T | null>(null);
  useEffect(() => {
    const aborter = new AbortController();
    const question = Symbol(subject);
    let timer: number | undefined;
    let isAsking = false;
    const askOnce = async () => {
      if (isAsking) return;
      isAsking = true;
      clearTimeout(timer);
      try {
        const value = await ask(client, aborter.signal);
        if (aborter.signal.aborted) return;
        setAnswer(value);
        report(question, null);
      } catch (error) {
        if (aborter.signal.aborted) return;
        report(
          question,
          error instanceof ClientError ? error : new ClientError('away', 'The answer could not be read.'),
        );
      } finally {
        isAsking = false;
      }
      if (document.visibilityState === 'visible') timer = setTimeout(askOnce, everyMs);
    };
    const onVisibility = () => {
      if (document.visibilityState === 'visible') askOnce();
    };
    document.addEventListener('visibilitychange', onVisibility);
    askOnce();
    return () => {
      aborter.abort();
      report(question, undefined);
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisibility);
    };
  }, [subject, client]);
  return answer;
}
