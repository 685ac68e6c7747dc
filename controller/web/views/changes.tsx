import type {JSX} from 'preact';
import {useState} from 'preact/hooks';
import {type Address, linkTo, replaceFilters} from '../address.ts';
import type {ChangeInfo} from '../client.ts';
import {Empty} from '../parts/empty.tsx';
import {More, pageRows} from '../parts/more.tsx';
import {Ago, Said} from '../parts/text.tsx';
import {VerdictLabel} from '../parts/verdict.tsx';
import {usePolled} from '../polled.ts';

/** What changed, the newest first. What a host reports first of all is no news, so it shows only when it is asked for. */
export function ChangesView({address, now}: {address: Address; now: number}): JSX.Element {
  const all = address.filters.has('all');
  const [most, setMost] = useState(pageRows);
  const answer = usePolled(`${most} ${all}`, (client, signal) =>
    client.changes(all ? {} : {only: 'verdict'}, most, signal),
  );
  return (
    <>
      <search class="filters">
        <button
          type="button"
          class="chip"
          aria-pressed={all}
          onClick={() => replaceFilters(address, new URLSearchParams(all ? {} : {all: '1'}))}
        >
          Also new findings, and changes of detail
        </button>
      </search>
      {answer === null && <p class="loading">Loading…</p>}
      {answer?.rows.length === 0 && (
        <Empty title="No changes yet">When a verdict changes on a host it shows here, the newest first.</Empty>
      )}
      {answer !== null && answer.rows.length > 0 && <ChangeTable rows={answer.rows} now={now} />}
      {answer !== null && answer.rows.length > 0 && (
        <More shown={answer.rows.length} hasMore={answer.hasMore} more={() => setMost(most + pageRows * 2)} />
      )}
    </>
  );
}

function ChangeTable({rows, now}: {rows: ChangeInfo[]; now: number}): JSX.Element {
  return (
    <>
      {/* biome-ignore lint/a11y/noRedundantRoles: it stays a table where narrow windows lay it out as a list */}
      <table class="list changes" role="table">
        <thead>
          <tr>
            <th scope="col" class="c-since">
              Ago
            </th>
            <th scope="col" class="c-change">
              Change
            </th>
            <th scope="col">Rule</th>
            <th scope="col" class="c-subject">
              Subject
            </th>
            <th scope="col" class="c-host">
              Host
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((change, index) => (
            <ChangeRow key={`${change.host} ${change.epoch} ${change.n} ${index}`} change={change} now={now} />
          ))}
        </tbody>
      </table>
    </>
  );
}

function ChangeRow({change, now}: {change: ChangeInfo; now: number}): JSX.Element {
  return (
    <tr>
      <td class="c-since">
        <Ago time={change.receivedAt} now={now} />
      </td>
      <td class="c-change">
        <span class="change">
          {change.before === null ? <span class="faint">new</span> : <VerdictLabel verdict={change.before} />}
          <span class="arrow" aria-hidden="true">
            →
          </span>
          <span class="hidden">became</span>
          {change.after === null ? <span class="faint">gone</span> : <VerdictLabel verdict={change.after} />}
        </span>
      </td>
      <td class="c-rule">
        <a href={linkTo(['hosts', change.host], {rule: change.rule})}>
          <Said text={change.rule} />
        </a>
      </td>
      <td class="c-subject">
        <span class="clamp">
          <Said text={change.subject} />
        </span>
      </td>
      <td class="c-host">
        <a href={linkTo(['hosts', change.host])}>
          <Said text={change.hostName} />
        </a>
      </td>
    </tr>
  );
}
