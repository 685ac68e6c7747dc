import type {JSX} from 'preact';
import {useState} from 'preact/hooks';
import {linkTo} from '../address.ts';
import type {ChangeInfo} from '../client.ts';
import {Empty} from '../parts/empty.tsx';
import {More, pageRows} from '../parts/more.tsx';
import {Ago, Said} from '../parts/text.tsx';
import {VerdictLabel} from '../parts/verdict.tsx';
import {usePolled} from '../polled.ts';

export function ChangesView({now}: {now: number}): JSX.Element {
  const [most, setMost] = useState(pageRows);
  const answer = usePolled(`${most}`, (client, signal) => client.changes({}, most, signal));
  if (answer === null) return <p class="loading">Loading…</p>;
  if (answer.rows.length === 0)
    return <Empty title="No changes yet">What changes on hosts shows here, the newest first.</Empty>;
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
          {answer.rows.map((change, index) => (
            <ChangeRow key={`${change.host} ${change.epoch} ${change.n} ${index}`} change={change} now={now} />
          ))}
        </tbody>
      </table>
      <More shown={answer.rows.length} hasMore={answer.hasMore} more={() => setMost(most + pageRows * 2)} />
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
        {change.before === null ? <span class="faint">new</span> : <VerdictLabel verdict={change.before} />}
        <span class="arrow" aria-hidden="true">
          →
        </span>
        <span class="hidden">became</span>
        {change.after === null ? <span class="faint">gone</span> : <VerdictLabel verdict={change.after} />}
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
