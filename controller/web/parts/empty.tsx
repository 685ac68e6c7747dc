import type {ComponentChildren, JSX} from 'preact';

export function Empty({title, children}: {title: string; children: ComponentChildren}): JSX.Element {
  return (
    <div class="empty">
      <h2>{title}</h2>
      <p>{children}</p>
    </div>
  );
}

/** What to do while there is no host. */
export function Enrol(): JSX.Element {
  return (
    <div class="empty">
      <h2>No host yet</h2>
      <ol>
        <li>
          On the controller, make a token that enrols hosts for the next hour:
          <pre>reeve token create --enrol</pre>
        </li>
        <li>
          On each host, as root, give it what that printed:
          <pre>reeve enroll</pre>
        </li>
      </ol>
      <p>Hosts show here as soon as they have connected.</p>
    </div>
  );
}
