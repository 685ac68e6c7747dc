import test from 'ava';
import {parseSocketTable} from '../../../../../agent/host/facts/listeners/table.ts';

const header = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const row = (local: string, remote: string, state: string, inode: number) =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000 100 0 0 10 0\n`;
const nobody = '00000000:0000';

test('parseSocketTable() reads addresses in the byte order of the kernel', t => {
  const text = `${header}${row('0100007F:0016', nobody, '0A', 7)}${row('00000000:1F90', nobody, '0A', 8)}`;
  t.deepEqual(parseSocketTable(text, 'tcp', false), {
    complete: true,
    rows: [
      {protocol: 'tcp', address: '127.0.0.1', port: 22, inode: 7},
      {protocol: 'tcp', address: '0.0.0.0', port: 8080, inode: 8},
    ],
  });
});

test('parseSocketTable() reads IPv6, also with IPv4 inside', t => {
  const none = '00000000000000000000000000000000:0000';
  const text =
    header +
    [
      '00000000000000000000000001000000:0016',
      '0000000000000000FFFF00000100007F:0017',
      'B80D0120000000000000000001000000:0018',
    ]
      .map((local, index) => row(local, none, '0A', index + 1))
      .join('');
  t.deepEqual(
    parseSocketTable(text, 'tcp', false).rows.map(({address}) => address),
    ['::1', '::ffff:127.0.0.1', '2001:db8::1'],
  );
});

test('parseSocketTable() leaves out connections, and lines that are none', t => {
  const text = `${header}${row('0100007F:0016', '0100007F:9999', '01', 1)}garbage\n\n${row('XX:0016', nobody, '0A', 2)}`;
  t.deepEqual(parseSocketTable(text, 'tcp', false).rows, []);
});

test('parseSocketTable() takes UDP sockets without a peer', t => {
  const text = `${header}${row('00000000:0035', nobody, '07', 1)}${row('00000000:0036', '0100007F:0035', '01', 2)}${row('00000000:0037', nobody, '0A', 3)}`;
  t.deepEqual(
    parseSocketTable(text, 'udp', false).rows.map(({inode}) => inode),
    [1],
  );
});

test('parseSocketTable() is complete when it was cut after the listening sockets', t => {
  const listening = row('00000000:0016', nobody, '0A', 1);
  const connected = row('00000000:0016', '0100007F:0035', '01', 2);
  t.true(parseSocketTable(`${header}${listening}${connected}${connected.slice(0, 20)}`, 'tcp', true).complete);
  t.false(parseSocketTable(`${header}${listening}${listening}${listening.slice(0, 20)}`, 'tcp', true).complete);
  t.false(parseSocketTable(header, 'tcp', true).complete);
  t.false(parseSocketTable(`${header}${connected}${connected}`, 'udp', true).complete);
});
