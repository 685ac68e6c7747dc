import test from 'ava';
import {capabilityText} from '../../../../../agent/host/facts/tree/capability.ts';

// As setcap(8) writes them and getcap(8) reads them back.
const rows: Array<[hex: string, text: string]> = [
  ['0100000200200000000000000000000000000000', 'cap_net_raw=ep'],
  ['0000000200200000000000000000000000000000', 'cap_net_raw=p'],
  ['0100000200240000002400000000000000000000', 'cap_net_bind_service,cap_net_raw=eip'],
  ['01000002000000000000000080000000', 'in a form that reeve does not know'],
  ['0100000200000000000000000001000000000000', 'cap_checkpoint_restore=ep'],
  ['010000030020000000000000000000000000000000000100', 'cap_net_raw=ep [rootid=65536]'],
  ['010000010020000000000000', 'cap_net_raw=ep'],
  ['00', 'in a form that reeve does not know'],
  ['', 'in a form that reeve does not know'],
  ['0000000200000000000000000000000000000000', 'none'],
];
for (const [hex, text] of rows) {
  test(`capabilityText() reads ${hex || 'nothing'} as ${text}`, t => {
    t.is(capabilityText(Buffer.from(hex, 'hex')), text);
  });
}
