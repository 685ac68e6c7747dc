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
          On the controller, make a ticket. It is good for an hour:
          <pre>reeve token create --name web1</pre>
        </li>
        <li>
          On the host, as root, give it the line that this printed:
          <pre>reeve enroll</pre>
        </li>
      </ol>
      <p>Hosts show here as soon as they have connected.</p>
    </div>
  );
}
