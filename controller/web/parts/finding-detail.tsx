import type {ComponentChildren, JSX} from 'preact';
import {linkTo} from '../address.ts';
import type {FindingInfo} from '../client.ts';
import {Ago, Said} from './text.tsx';
import {VerdictLabel} from './verdict.tsx';

/** Of a longer list the rest is behind a line that opens it. */
const shownItems = 8;

/** All that is known of one finding: what it is, what it should be, where, why and what to do. */
export function FindingDetail({info, now}: {info: FindingInfo; now: number}): JSX.Element {
  const {finding} = info;
  const {reason, error, cure, waiver, where = [], last} = finding;
  return (
    <div class="detail">
      <Comparison finding={finding} />
      <dl>
        {reason !== undefined && (
          <Fact name="Reason">
            <Said text={reason} />
          </Fact>
        )}
        {error !== undefined && (
          <Fact name="Error">
            <Said text={error.message} /> <code>{error.code}</code>
          </Fact>
        )}
        {last !== undefined && (
          <Fact name="Last seen as">
            <VerdictLabel verdict={last.verdict} /> <Ago time={last.observedAt} now={now} /> ago
          </Fact>
        )}
        {cure !== undefined && (
          <Fact name="Cure">
            <Said text={cure} />
          </Fact>
        )}
        {info.why !== null && info.why !== '' && (
          <Fact name="Why">
            <Said text={info.why} />
          </Fact>
        )}
        {where.length > 0 && (
          <Fact name="Where">
            <ul class="plain">
              {where.map(place => (
                <li key={place}>
                  <code>
                    <Said text={place} />
                  </code>
                </li>
              ))}
            </ul>
          </Fact>
        )}
        {waiver !== undefined && (
          <Fact name="Waiver">
            <Said text={waiver.reason} />
            <span class="faint">
              {' — '}
              <Said text={waiver.id} />, owned by <Said text={waiver.owner} />, approved by{' '}
              <Said text={waiver.approvedBy} />, until <Said text={waiver.expires} />
            </span>
          </Fact>
        )}
        <Fact name="Subject">
          <code>
            <Said text={finding.subject} />
          </code>
        </Fact>
        <Fact name="Rule">
          <a href={linkTo(['findings'], {rule: finding.rule})}>
            <Said text={finding.rule} />
          </a>
          <span class="faint"> in {finding.pack}</span>
          {finding.scope !== undefined && <span class="faint">, {finding.scope}</span>}
        </Fact>
        <Fact name="Host">
          <a href={linkTo(['hosts', info.host])}>
            <Said text={info.hostName} />
          </a>
          <span class="faint">
            , so for <Ago time={info.since} now={now} />, looked at <Ago time={info.observedAt} now={now} /> ago
          </span>
        </Fact>
      </dl>
    </div>
  );
}

function Fact({name, children}: {name: string; children: ComponentChildren}): JSX.Element {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

/** Actual beside expected, the wrong ones first and marked. */
function Comparison({finding}: {finding: FindingInfo['finding']}): JSX.Element | null {
  const {expected = {}, actual = {}, wrong = []} = finding;
  const names = [...new Set([...Object.keys(actual), ...Object.keys(expected)])];
  if (names.length === 0) return null;
  const sorted = [...names.filter(name => wrong.includes(name)), ...names.filter(name => !wrong.includes(name))];
  return (
    <table class="compared">
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Actual</th>
          <th scope="col">Expected</th>
        </tr>
      </thead>
      <tbody>
        {sorted.map(name => {
          const isWrong = wrong.includes(name);
          return (
            <tr key={name} class={isWrong ? 'wrong' : ''}>
              <th scope="row">
                <Said text={name} />
              </th>
              <td>
                <span class="mark">{isWrong ? '≠' : '='}</span>
                <span class="hidden">{isWrong ? 'wrong: ' : ''}</span>
                <JsonValue value={actual[name]} />
              </td>
              <td>
                <JsonValue value={expected[name]} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function JsonValue({value}: {value: unknown}): JSX.Element {
  if (value === undefined || value === null) return <span class="faint">nothing</span>;
  if (Array.isArray(value)) {
    if (value.length === 0) return <span class="faint">none</span>;
    if (value.length <= shownItems + 1) return <Items items={value} />;
    return (
      <>
        <Items items={value.slice(0, shownItems)} />
        <details>
          <summary>{value.length - shownItems} more</summary>
          <Items items={value.slice(shownItems)} />
        </details>
      </>
    );
  }
  return (
    <code>
      <Said text={typeof value === 'string' ? value : JSON.stringify(value)} />
    </code>
  );
}

function Items({items}: {items: unknown[]}): JSX.Element {
  return (
    <ul class="plain">
      {items.map((item, index) => (
        <li key={index}>
          <JsonValue value={item} />
        </li>
      ))}
    </ul>
  );
}
