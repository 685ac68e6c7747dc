import type {JSX} from 'preact';
import {useState} from 'preact/hooks';

export function SignIn({message, signIn}: {message: string | null; signIn(token: string): void}): JSX.Element {
  const [token, setToken] = useState('');
  return (
    <main class="sign-in">
      <h1>reeve</h1>
      {message !== null && (
        <p class="warning" role="alert">
          {message}
        </p>
      )}
      <form
        onSubmit={event => {
          event.preventDefault();
          if (token.trim() !== '') signIn(token.trim());
        }}
      >
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          spellcheck={false}
          placeholder="reeve_api_…"
          value={token}
          onInput={event => setToken(event.currentTarget.value)}
        />
        <button type="submit">Sign in</button>
      </form>
      <p class="faint">
        Make one on the controller: <code>reeve token create --kind api --name me</code>. It is kept in this tab alone.
      </p>
    </main>
  );
}
