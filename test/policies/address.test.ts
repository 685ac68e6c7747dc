import {isIPv6, SocketAddress} from 'node:net';
import test from 'ava';
import {formatIpv6, isLoopback} from '../../policies/address.ts';

const addresses: Array<[bytes: string, text: string]> = [
  ['00000000000000000000000000000000', '::'],
  ['00000000000000000000000000000001', '::1'],
  ['00000000000000000000ffff7f000001', '::ffff:127.0.0.1'],
  ['fe800000000000000000000000000001', 'fe80::1'],
  ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
  ['20010db8000100010001000100010001', '2001:db8:1:1:1:1:1:1'],
  ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
  ['ff020000000000000000000000000000', 'ff02::'],
];
for (const [hex, text] of addresses) {
  test(`formatIpv6() gives ${text}`, t => {
    t.is(formatIpv6(Buffer.from(hex, 'hex')), text);
    t.true(isIPv6(text));
    t.is(new SocketAddress({address: text, family: 'ipv6'}).address, text, 'as the C library writes it');
  });
}

for (const [address, loopback] of [
  ['127.0.0.1', true],
  ['127.255.255.254', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['::ffff:10.0.0.1', false],
  ['1.127.0.1', false],
  ['128.0.0.1', false],
] as const) {
  test(`isLoopback() of ${address}`, t => t.is(isLoopback(address), loopback));
}
