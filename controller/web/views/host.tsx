import type {ComponentChildren, JSX} from 'preact';
import type {Address} from '../address.ts';
import type {HostDetail} from '../client.ts';
import {HostState} from '../parts/host-state.tsx';
import {Ago, Said} from '../parts/text.tsx';
import {usePolled} from '../polled.ts';
import {bytes, counted, number, span} from '../words.ts';
import {FindingsView} from './findings.tsx';

/** A clock that is off by more makes times of findings misleading. */
const skewShownMs = 5_000;

export function HostView({id, address, now}: {id: string; address: Address; now: number}): JSX.Element {
  const host = usePolled(id, (client, signal) => client.host(id, signal));
  return (
    <>
      {host === null ? <p class="loading">Loading…</p> : <HostHead host={host} now={now} />}
      <FindingsView key={id} address={address} now={now} host={id} counts={host?.counts ?? null} hasHosts={true} />
    </>
  );
}

function HostHead({host, now}: {host: HostDetail; now: number}): JSX.Element {
  const {inventory, stream} = host;
  return (
    <header class="host">
      <h1>
        <Said text={host.name} /> <HostState host={host} />
      </h1>
      {host.state !== 'active' && (
        <p class="warning">
          This host is {host.state}
          {host.stateReason !== null && (
            <>
              : <Said text={host.stateReason} />
            </>
          )}
          .
        </p>
      )}
      {host.degraded && <p class="warning">A proxy ends its TLS, so its hello is not bound to the connection.</p>}
      {Math.abs(host.clockSkewMs ?? 0) > skewShownMs && (
        <p class="warning">
          Its clock is {span(Math.abs(host.clockSkewMs ?? 0))} {(host.clockSkewMs ?? 0) > 0 ? 'ahead of' : 'behind'} the
          controller's.
        </p>
      )}
      <dl class="facts">
        <Fact name="System">
          {host.os === null ? <span class="faint">not known yet</span> : <Said text={host.os} />}
        </Fact>
        {inventory !== null && (
          <>
            <Fact name="Kernel">
              <Said text={inventory.os.kernel} />
            </Fact>
            <Fact name="Machine">
              <Said text={[inventory.machine.maker, inventory.machine.model].filter(Boolean).join(' ') || '—'} />
            </Fact>
            <Fact name="CPU">
              <Said text={inventory.cpu.model} /> × {number(inventory.cpu.cores)}
            </Fact>
            <Fact name="Memory">{bytes(inventory.memoryBytes)}</Fact>
          </>
        )}
        <Fact name="reeve">
          <Said text={host.reeve} />
        </Fact>
        <Fact name="Enrolled">
          <Ago time={host.enrolledAt} now={now} /> ago
        </Fact>
        <Fact name="Last seen">
          <Ago time={host.lastSeenAt} now={now} />
        </Fact>
        {stream !== null && (
          <Fact name="Steps">
            {number(stream.n)} <span class="faint">in stream {number(stream.epoch)}</span>
          </Fact>
        )}
      </dl>
      <ul class="packs">
        {host.packs.map(({name, version, title}) => (
          <li key={name} title={title}>
            <strong>{name}</strong> {version}{' '}
            <span class="faint">
              {host.checkedAt[name] === undefined ? 'not checked yet' : <Ago time={host.checkedAt[name]} now={now} />}
            </span>
          </li>
        ))}
      </ul>
      {host.gaps.length > 0 && (
        <details>
          <summary>{counted(host.gaps.length, 'gap')} in what it reported</summary>
          <ul class="plain">
            {host.gaps.map(gap => (
              <li key={gap.receivedAt}>
                <Ago time={gap.receivedAt} now={now} /> ago: {counted(gap.count, 'step')} left out,{' '}
                <Said text={gap.reason} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </header>
  );
}

function Fact({name, children}: {name: string; children: ComponentChildren}): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
