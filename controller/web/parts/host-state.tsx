import type {JSX} from 'preact';
import type {HostInfo} from '../client.ts';

/** Connected, away, frozen or removed: a filled dot, a ring, a square, a cross. */
export function HostState({host}: {host: HostInfo}): JSX.Element {
  const state = host.state === 'active' ? (host.connected ? 'connected' : 'away') : host.state;
  return (
    <span class={`state ${state}`} title={host.stateReason ?? undefined}>
      <svg viewBox="0 0 10 10" aria-hidden="true">
        {state === 'connected' && <circle cx="5" cy="5" r="3.6" class="filled" />}
        {state === 'away' && <circle cx="5" cy="5" r="3.2" />}
        {state === 'frozen' && <rect x="1.6" y="1.6" width="6.8" height="6.8" class="filled" />}
        {state === 'removed' && <path d="M2 2l6 6m0-6L2 8" />}
      </svg>
      {state}
    </span>
  );
}
