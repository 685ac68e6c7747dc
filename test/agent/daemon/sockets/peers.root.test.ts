import {execFile, spawnSync} from 'node:child_process';
import {chmodSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import {scratch, startAgent} from '../../../helpers/agent.ts';

/** Connects to a socket as somebody, and says what came of it. */
const connecting = `
  const socket = require('node:net').connect(process.argv[1]);
  socket.on('error', error => console.log(error.code)).on('data', () => { console.log('served'); socket.destroy(); });
  socket.on('close', () => console.log('closed'));
`;

async function connectAs(uid: number, gid: number, path: string): Promise<string> {
  const who = ['--reuid', `${uid}`, '--regid', `${gid}`, '--clear-groups'];
  const {stdout} = await promisify(execFile)('setpriv', [...who, process.execPath, '-e', connecting, path]);
  return stdout.split('\n')[0] as string;
}

test('the sockets let in the link and root, each its own, and tell strangers apart by their uid', async t => {
  const others = ['--reuid', '64001', '--regid', '64002', '--clear-groups', process.execPath, '--version'];
  if (process.geteuid?.() !== 0 || spawnSync('setpriv', others).status !== 0) {
    t.log('skipped: it takes root, and a checkout that others may read');
    t.pass();
    return;
  }
  const folder = scratch(t);
  chmodSync(folder, 0o755);
  const [uid, gid] = [64_001, 64_002];
  const agent = await startAgent(t, folder, {link: {uid, gid}});
  const [link, control] = [join(agent.run, 'link.sock'), join(agent.run, 'agent.sock')];
  t.is(statSync(link).gid, gid);
  t.is(statSync(link).mode & 0o777, 0o660);
  t.is(await connectAs(uid, gid, link), 'served');
  t.is(await connectAs(0, 0, link), 'served');
  t.is(await connectAs(uid, gid, control), 'EACCES');
  t.is(await connectAs(64_003, 64_003, link), 'EACCES');
  // In the right group, but not the link.
  t.is(await connectAs(64_003, gid, link), 'closed');
  t.true(
    agent.log.some(line => line.includes('a stranger knocked at the socket of the link') && line.includes('64003')),
  );
  chmodSync(control, 0o666);
  t.is(await connectAs(uid, gid, control), 'closed');
});
