import type {JSX} from 'preact';
import {useEffect, useState} from 'preact/hooks';
import {type Address, linkTo, replaceFilters} from '../address.ts';
import type {HostInfo} from '../client.ts';
import {Empty, Enrol} from '../parts/empty.tsx';
import {TextFilter} from '../parts/filters.tsx';
import {HostState} from '../parts/host-state.tsx';
import {More, pageRows} from '../parts/more.tsx';
import {Ago, Said} from '../parts/text.tsx';
import {CountsBar, VerdictIcon} from '../parts/verdict.tsx';
import {usePolled} from '../polled.ts';
import {number} from '../words.ts';

export function HostsView({address, now}: {address: Address; now: number}): JSX.Element {
  const text = address.filters.get('name') ?? '';
  const [most, setMost] = useState(pageRows);
  useEffect(() => setMost(pageRows), [text]);
  const answer = usePolled(`${most} ${text}`, (client, signal) =>
    client.hosts({text: text === '' ? undefined : text}, most, signal),
  );
  if (answer === null) return <p class="loading">Loading…</p>;
  if (answer.rows.length === 0 && text === '') return <Enrol />;
  return (
    <>
      <search class="filters">
        <TextFilter
          label="Name"
          value={text}
          change={value => replaceFilters(address, new URLSearchParams(value === '' ? {} : {name: value}))}
        />
      </search>
      {answer.rows.length === 0 ? (
        <Empty title="Nothing matches">No host has “{text}” in its name.</Empty>
      ) : (
        <>
          {/* biome-ignore lint/a11y/noRedundantRoles: it stays a table where narrow windows lay it out as a list */}
          <table class="list hosts" role="table">
            <thead>
              <tr>
                <th scope="col">Host</th>
                <th scope="col" class="c-state">
                  State
                </th>
                <th scope="col" class="c-counts">
                  Findings
                </th>
                <th scope="col" class="c-checked">
                  Last check
                </th>
                <th scope="col" class="c-since">
                  Last seen
                </th>
              </tr>
            </thead>
            <tbody>
              {answer.rows.map(host => (
                <HostRow key={host.id} host={host} now={now} />
              ))}
            </tbody>
          </table>
          <More shown={answer.rows.length} hasMore={answer.hasMore} more={() => setMost(most + pageRows * 2)} />
        </>
      )}
    </>
  );
}

function HostRow({host, now}: {host: HostInfo; now: number}): JSX.Element {
  const {counts} = host;
  return (
    <tr>
      <td class="c-name">
        <a class="title" href={linkTo(['hosts', host.id])}>
          <Said text={host.name} />
        </a>
        <span class="id">{host.os === null ? 'not known yet' : <Said text={host.os} />}</span>
      </td>
      <td class="c-state">
        <HostState host={host} />
      </td>
      <td class="c-counts">
        <CountsBar counts={counts} />
        <span class="numbers">
          {(['fail', 'error', 'unknown', 'waived', 'pass'] as const)
            .filter(verdict => counts[verdict] > 0)
            .map(verdict => (
              <span key={verdict} class={`verdict ${verdict}`}>
                <VerdictIcon verdict={verdict} />
                {number(counts[verdict])}
              </span>
            ))}
        </span>
      </td>
      <td class="c-checked">
        <LastChecks checkedAt={host.checkedAt} now={now} />
      </td>
      <td class="c-since">
        <Ago time={host.lastSeenAt} now={now} />
      </td>
    </tr>
  );
}

/** The pack that was not checked for longest, with all of them behind it. */
function LastChecks({checkedAt, now}: {checkedAt: HostInfo['checkedAt']; now: number}): JSX.Element {
  const packs = Object.entries(checkedAt).sort(([, a], [, b]) => Date.parse(a) - Date.parse(b));
  const [oldest] = packs;
  if (oldest === undefined) return <span class="faint">not yet</span>;
  return (
    <span title={packs.map(([pack, time]) => `${pack}: ${time}`).join('\n')}>
      <Ago time={oldest[1]} now={now} />
      <span class="id">{packs.length === 1 ? oldest[0] : `oldest of ${packs.length} packs`}</span>
    </span>
  );
}
