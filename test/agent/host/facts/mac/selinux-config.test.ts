import test from 'ava';
import {parseSelinuxConfig} from '../../../../../agent/host/facts/mac/selinux-config.ts';

const cases: Array<[title: string, text: string, mode: string | null, type: string]> = [
  ['takes the first valid mode', 'SELINUX=disabled\nSELINUX=enforcing\n', 'disabled', 'targeted'],
  ['passes over an invalid mode', 'SELINUX=on\nSELINUX=permissive\n', 'permissive', 'targeted'],
  ['wants the key in column 0', ' SELINUX=enforcing\n', null, 'targeted'],
  ['wants the key in capitals', 'selinux=enforcing\n', null, 'targeted'],
  [
    'takes the value in any case, after white space, by its beginning',
    'SELINUX=  EnforcingPlease\n',
    'enforcing',
    'targeted',
  ],
  ['does not take SELINUXTYPE for SELINUX', 'SELINUXTYPE=enforcing\n', null, 'enforcing'],
  ['takes the last type, in any case, indented', '  selinuxtype= mls \nSELINUXTYPE=default\t\n', null, 'default'],
  ['passes over comments', '#SELINUX=enforcing\n# SELINUXTYPE=mls\n', null, 'targeted'],
  ['reads a line longer than a page as several', `${'x'.repeat(4095)}SELINUX=enforcing\n`, 'enforcing', 'targeted'],
  ['does not read the middle of a line', `${'x'.repeat(100)}SELINUX=enforcing\n`, null, 'targeted'],
  ['reads a file without a last newline', 'SELINUX=permissive', 'permissive', 'targeted'],
];

for (const [title, text, mode, type] of cases) {
  test(`parseSelinuxConfig() ${title}`, t => {
    const config = parseSelinuxConfig(text);
    t.is(config.mode?.value ?? null, mode as never);
    t.is(config.type.value, type);
  });
}
