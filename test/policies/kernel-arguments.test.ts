import test from 'ava';
import {hasArgument, mentionsArgument} from '../../policies/kernel-arguments.ts';

const rows: Array<[given: string, wanted: string, has: boolean, mentions: boolean]> = [
  ['ro audit=1', 'audit=1', true, true],
  ['ro audit=1 audit=0', 'audit=1', false, true],
  ['audit=0 audit=1', 'audit=1', true, true],
  ['audit=10', 'audit=1', false, false],
  ['slab-nomerge', 'slab_nomerge', true, true],
  ['page-alloc.shuffle=1', 'page_alloc.shuffle=1', true, true],
  ['console=tty0 console=ttyS0', 'console=tty0', true, true],
  ['lsm=a-b', 'lsm=a_b', false, false],
  ['pti', 'pti=on', false, false],
  ['', 'quiet', false, false],
];
for (const [given, wanted, has, mentions] of rows) {
  const words = given.split(' ').filter(word => word !== '');
  test(`hasArgument() of "${wanted}" in "${given}"`, t => {
    t.is(hasArgument(words, wanted), has);
    t.is(mentionsArgument(words, wanted), mentions);
  });
}
