import type {JSX} from 'preact';
import {useState} from 'preact/hooks';
import {linkTo} from '../address.ts';
import type {FindingInfo} from '../client.ts';
import {FindingDetail} from './finding-detail.tsx';
import {Ago, Said} from './text.tsx';
import {SeverityLabel, VerdictLabel} from './verdict.tsx';

const keyOf = ({host, finding}: FindingInfo) => JSON.stringify([host, finding.rule, finding.subject]);

/** Findings, each of which opens to all that is known of it. What is open stays open when new answers come. */
export function FindingTable({
  rows,
  now,
  isOfOneHost,
}: {
  rows: FindingInfo[];
  now: number;
  isOfOneHost: boolean;
}): JSX.Element {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const toggle = (key: string) => {
    const next = new Set(open);
    if (!next.delete(key)) next.add(key);
    setOpen(next);
  };
  return (
    // The roles stay said where narrow windows lay the table out as a list.
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <table class={`list findings${isOfOneHost ? ' one-host' : ''}`} role="table">
      <thead>
        <tr>
          <th scope="col" class="c-verdict">
            Verdict
          </th>
          <th scope="col" class="c-severity">
            Severity
          </th>
          <th scope="col">Rule</th>
          <th scope="col" class="c-subject">
            Subject
          </th>
          {!isOfOneHost && (
            <th scope="col" class="c-host">
              Host
            </th>
          )}
          <th scope="col" class="c-since">
            Since
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(info => {
          const key = keyOf(info);
          return (
            <FindingRows
              key={key}
              info={info}
              now={now}
              isOfOneHost={isOfOneHost}
              isOpen={open.has(key)}
              toggle={() => toggle(key)}
            />
          );
        })}
      </tbody>
    </table>
  );
}

type RowsProps = {info: FindingInfo; now: number; isOfOneHost: boolean; isOpen: boolean; toggle(): void};

function FindingRows({info, now, isOfOneHost, isOpen, toggle}: RowsProps): JSX.Element {
  const {finding} = info;
  return (
    <>
      <tr class={`finding ${finding.verdict}${isOpen ? ' open' : ''}`}>
        <td class="c-verdict">
          <VerdictLabel verdict={finding.verdict} />
        </td>
        <td class="c-severity">
          <SeverityLabel severity={finding.severity} />
        </td>
        <td class="c-rule">
          <button type="button" class="opener" aria-expanded={isOpen} onClick={toggle}>
            <svg class="chevron" viewBox="0 0 16 16" aria-hidden="true">
              <path d="M6 3.8L10.2 8 6 12.2" />
            </svg>
            <span>
              <span class="title">
                <Said text={info.title ?? finding.rule} />
              </span>
              {info.title !== null && info.title !== finding.rule && (
                <span class="id">
                  <Said text={finding.rule} />
                </span>
              )}
            </span>
          </button>
        </td>
        <td class="c-subject">
          <span class="clamp">
            <Said text={finding.subject} />
          </span>
        </td>
        {!isOfOneHost && (
          <td class="c-host">
            <a href={linkTo(['hosts', info.host])}>
              <Said text={info.hostName} />
            </a>
          </td>
        )}
        <td class="c-since">
          <Ago time={info.since} now={now} />
        </td>
      </tr>
      {isOpen && (
        <tr class="opened">
          <td colSpan={isOfOneHost ? 5 : 6}>
            <FindingDetail info={info} now={now} />
          </td>
        </tr>
      )}
    </>
  );
}
