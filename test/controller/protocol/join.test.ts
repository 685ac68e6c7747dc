import test from 'ava';
import {
  isSameToken,
  isToken,
  type JoinTicket,
  makeToken,
  readJoinTicket,
  tokenHash,
  writeJoinTicket,
} from '../../../controller/protocol/join.ts';

const ticket = (): JoinTicket => ({
  v: 1,
  url: 'wss://controller.example:7443/agent',
  pins: ['ab'.repeat(32)],
  fleet: '01934f2a-0000-7000-8000-000000000001',
  token: makeToken('enrol'),
});

test('makeToken() makes tokens of its kind, never twice', t => {
  const token = makeToken('api');
  t.regex(token, /^reeve_api_[A-Za-z0-9_-]{51}$/);
  t.true(isToken('api', token));
  t.false(isToken('enrol', token));
  t.not(makeToken('api'), token);
});

test('isToken() knows a token that was mistyped', t => {
  const token = makeToken('enrol');
  for (const at of [12, 30, token.length - 1]) {
    const wrong = token.slice(0, at) + (token[at] === 'x' ? 'y' : 'x') + token.slice(at + 1);
    t.false(isToken('enrol', wrong), String(at));
  }
  t.false(isToken('enrol', ''));
  t.false(isToken('enrol', `${token} `));
});

test('isSameToken() compares with what was stored', t => {
  const token = makeToken('api');
  t.true(isSameToken(tokenHash(token), token));
  t.false(isSameToken(tokenHash(token), makeToken('api')));
});

test('readJoinTicket() gives back what writeJoinTicket() wrote, with space around it', t => {
  const value = ticket();
  t.deepEqual(readJoinTicket(` ${writeJoinTicket(value)}\n`), value);
});

test('readJoinTicket() refuses what is no whole ticket', t => {
  const line = writeJoinTicket(ticket());
  const encode = (value: unknown) => `reeve-join:${Buffer.from(JSON.stringify(value)).toString('base64url')}`;
  const rows: Array<[string, string]> = [
    ['nothing', ''],
    ['cut', line.slice(0, -5)],
    ['another prefix', line.replace('reeve-join:', 'reeve-joined:')],
    ['no TLS', encode({...ticket(), url: 'ws://controller.example/agent'})],
    ['a user in the address', encode({...ticket(), url: 'wss://root@controller.example/agent'})],
    ['no pin', encode({...ticket(), pins: []})],
    ['an unknown key', encode({...ticket(), run: 'id'})],
    ['a token of another kind', encode({...ticket(), token: makeToken('api')})],
    ['far too long', `reeve-join:${'A'.repeat(5000)}`],
  ];
  for (const [what, text] of rows) t.is(readJoinTicket(text), null, what);
});
