import type {JSX} from 'preact';
import {useEffect, useState} from 'preact/hooks';
import type {Address} from '../address.ts';
import type {Verdict} from '../client.ts';
import {Empty, Enrol} from '../parts/empty.tsx';
import {Filters} from '../parts/filters.tsx';
import {FindingTable} from '../parts/finding-table.tsx';
import {More, pageRows} from '../parts/more.tsx';
import {usePolled} from '../polled.ts';

/** More rules than this match no useful text. */
const maxRules = 50;

type Props = {
  address: Address;
  now: number;
  /** Of this host alone. */
  host?: string;
  counts: {[V in Verdict]?: number} | null;
  /** Whether any host is enrolled; null while it is not known. */
  hasHosts: boolean | null;
};

/** Findings, the worst first. */
export function FindingsView({address, now, host, counts, hasHosts}: Props): JSX.Element {
  const {filters} = address;
  const subject = `${host ?? ''}?${filters}`;
  const [most, setMost] = useState(pageRows);
  useEffect(() => setMost(pageRows), [subject]);
  const packs = usePolled('packs', async (client, signal) => (await client.rules({limit: 1}, signal)).packs) ?? [];
  const answer = usePolled(`${subject} ${most}`, async (client, signal) => {
    const text = filters.get('rule') ?? '';
    const matching = text === '' ? null : await client.rules({text, limit: maxRules}, signal);
    const query = {
      order: 'worst',
      host,
      verdict: filters.getAll('verdict'),
      severity: filters.getAll('severity'),
      pack: filters.getAll('pack'),
      // A rule whose title the controller does not know yet can still be asked for by its whole id.
      rule: matching?.rules.length === 0 ? [text] : matching?.rules.map(({id}) => id),
    };
    const isCut = matching !== null && matching.next !== null;
    return {...(await client.findings(query, most, signal)), isCut};
  });
  const isFiltered = filters.size > 0;
  const hasFailures = counts === null || (counts.fail ?? 0) > 0 || (counts.error ?? 0) > 0;
  return (
    <>
      <Filters address={address} counts={counts} packs={packs} />
      {answer?.isCut && <p class="note">More than {maxRules} rules match; the first of them are shown.</p>}
      {answer === null && <p class="loading">Loading…</p>}
      {answer !== null && !hasFailures && !isFiltered && answer.rows.length > 0 && (
        <p class="all-well">
          <strong>No failures.</strong> Every rule that could be looked at holds, or was waived.
        </p>
      )}
      {answer !== null && answer.rows.length === 0 && hasHosts === false && <Enrol />}
      {answer !== null && answer.rows.length === 0 && hasHosts !== false && (
        <Empty title={isFiltered ? 'Nothing matches' : 'Nothing reported yet'}>
          {isFiltered
            ? 'No finding has all that the filters ask for.'
            : 'Findings show here once the first check is done.'}
        </Empty>
      )}
      {answer !== null && answer.rows.length > 0 && (
        <>
          <FindingTable rows={answer.rows} now={now} isOfOneHost={host !== undefined} />
          <More shown={answer.rows.length} hasMore={answer.hasMore} more={() => setMost(most + pageRows * 2)} />
        </>
      )}
    </>
  );
}
