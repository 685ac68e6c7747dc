import test from 'ava';
import {loadPack, type PackFile} from '../../../policies/load/pack.ts';
import {formatProblem} from '../../../policies/load/problem.ts';

const head = 'pack: demo\nversion: 1.0.0\ntitle: Demo pack\n';

function load(area: string, main = head) {
  const files: PackFile[] = [
    {path: 'demo/pack.yaml', name: 'pack.yaml', text: main},
    {path: 'demo/area.yaml', name: 'area.yaml', text: area},
  ];
  return loadPack({files, signed: false});
}

const rule = (lines: string[]) =>
  `area: demo\nrules:\n  - id: demo.rule\n    title: A rule of the demo\n    why: It shows something.\n    severity: low\n${lines.map(line => `    ${line}\n`).join('')}`;

const good = ['check: {file: {path: /etc/x, mode_at_most: "0640"}}', 'none: fail'];

/** Each row: what is wrong, the rule's lines, and the first line of each problem. */
const rows: Array<[string, string, string[]]> = [
  [
    'an unknown key of a kind',
    rule(['check: {file: {path: /etc/x, ownr: root, exists: true}}']),
    ['demo/area.yaml:7:34: unknown key "ownr": did you mean "owner"? [REEVE_KEY_UNKNOWN]'],
  ],
  [
    'an unknown kind',
    rule(['check: {fil: {path: /etc/x}}']),
    ['demo/area.yaml:7:13: unknown kind "fil": did you mean "file"? [REEVE_KEY_UNKNOWN]'],
  ],
  [
    'a mode that YAML read as a number',
    rule(['check: {file: {path: /etc/x, mode_at_most: 0640}}', 'none: fail']),
    ['demo/area.yaml:7:48: 640 found, four octal digits in quotes, such as "0640" wanted [REEVE_VALUE_INVALID]'],
  ],
  [
    'two kinds in one check',
    rule(['check: {file: {path: /x}, sysctl: {key: a.b}}']),
    [
      'demo/area.yaml:7:12: a check has exactly one kind, or "all:" or "any:"; found file, sysctl [REEVE_VALUE_INVALID]',
    ],
  ],
  [
    'no none where a set can be empty',
    rule(['check: {file: {path: /etc/x, mode_at_most: "0640"}}']),
    [
      'demo/area.yaml:3:5: rule "demo.rule" may find nothing to judge: say what that means with "none:" (pass, fail, not-applicable or unknown) [REEVE_NONE_MISSING]',
    ],
  ],
  [
    'a none where no set can be empty',
    rule(['check: {file: {path: /etc/x, exists: true}}', 'none: fail']),
    ['demo/area.yaml:8:5: rule "demo.rule" always has something to judge: remove "none:" [REEVE_NONE_POINTLESS]'],
  ],
  [
    'a check that expects nothing',
    rule(['check: {file: {path: /etc/x}}', 'none: fail']),
    [
      'demo/area.yaml:7:19: nothing is expected: give at least one of exists, type, owner, group, mode_at_most, mode_at_least, parents, lines_include, lines_exclude, text_includes, text_excludes, certificate_valid_days [REEVE_VALUE_INVALID]',
    ],
  ],
  [
    'a key given twice',
    rule([...good, 'severity: high']),
    ['demo/area.yaml:9:5: map keys must be unique [REEVE_YAML_SYNTAX]'],
  ],
  [
    'an anchor and an alias',
    rule(['check: {file: {path: &p /etc/x, owner: *p, exists: true}}']),
    [
      'demo/area.yaml:7:29: an anchor is not allowed here: write the value out [REEVE_YAML_FEATURE]',
      'demo/area.yaml:7:44: an alias is not allowed here: write the value out [REEVE_YAML_FEATURE]',
    ],
  ],
  [
    'a tag',
    rule(['check: !!js/function "x"']),
    ['demo/area.yaml:7:12: unresolved tag: tag:yaml.org,2002:js/function [REEVE_YAML_SYNTAX]'],
  ],
  [
    'an unknown parameter',
    rule(['check: {file: {path: /etc/x, mode_at_most: {param: mode}}}', 'none: fail']),
    ['demo/area.yaml:7:56: unknown parameter "mode": pack.yaml declares none [REEVE_PARAM_UNKNOWN]'],
  ],
  [
    'a probe in a pack that no trusted key signed',
    rule(['check: {probe: {command: [/usr/bin/true], exit: [0]}}', 'none: unknown']),
    [
      'demo/area.yaml:7:13: a probe runs a command: the pack must be signed by a key that this host trusts (see docs/packs.md) [REEVE_PROBE_UNSIGNED]',
    ],
  ],
  [
    'problems in several places, all named at once',
    rule(['check: {file: {path: etc, exists: maybe}}', 'severty: low']),
    [
      'demo/area.yaml:7:26: "etc" found, an absolute path or a list of them wanted [REEVE_VALUE_INVALID]',
      'demo/area.yaml:7:39: "maybe" found, true or false wanted [REEVE_VALUE_INVALID]',
      'demo/area.yaml:8:5: unknown key "severty": did you mean "severity"? [REEVE_KEY_UNKNOWN]',
    ],
  ],
];

for (const [title, area, wanted] of rows) {
  test(`loadPack() refuses ${title}`, t => {
    const {value, problems} = load(area);
    t.is(value, null);
    const found = problems.map(problem => formatProblem(problem).split('\n')[0] as string);
    t.deepEqual(found.sort(), wanted.toSorted());
  });
}

test('formatProblem() shows the line and a caret below the column', t => {
  const {problems} = load(rule(['check: {file: {path: /etc/x, ownr: root, exists: true}}']));
  t.is(
    problems.map(formatProblem).join('\n'),
    [
      'demo/area.yaml:7:34: unknown key "ownr": did you mean "owner"? [REEVE_KEY_UNKNOWN]',
      '        check: {file: {path: /etc/x, ownr: root, exists: true}}',
      '                                     ^',
    ].join('\n'),
  );
});

test('loadPack() refuses a rule id that another file has taken', t => {
  const text = rule(good);
  const files = [
    {path: 'pack.yaml', name: 'pack.yaml', text: head},
    {path: 'a.yaml', name: 'a.yaml', text},
    {path: 'b.yaml', name: 'b.yaml', text},
  ];
  const {problems} = loadPack({files, signed: false});
  t.deepEqual(
    problems.map(({path, line, code}) => [path, line, code]),
    [['b.yaml', 3, 'REEVE_RULE_DUPLICATE']],
  );
});

test('loadPack() fills in parameters, and the site may set them within their bounds', t => {
  const main = `${head}params:\n  days: {type: int, about: How many days, default: 7, max: 30}\n`;
  const area = rule(['check: {file: {path: /etc/cert.pem, certificate_valid_days: {param: days}}}', 'none: fail']);
  const files = [
    {path: 'pack.yaml', name: 'pack.yaml', text: main},
    {path: 'area.yaml', name: 'area.yaml', text: area},
  ];
  const daysOf = (overrides: {[name: string]: number}) => {
    const {value, problems} = loadPack({files, signed: false}, overrides);
    const check = value?.rules[0]?.check;
    return check !== undefined && 'kind' in check
      ? check.check.certificate_valid_days
      : problems.map(({message}) => message);
  };
  t.is(daysOf({}), 7);
  t.is(daysOf({days: 20}), 20);
  t.deepEqual(daysOf({days: 31}), ['parameter "days" is 31: at most 30 wanted']);
  t.deepEqual(daysOf({weeks: 1}), ['the pack has no parameter "weeks"']);
});

test('loadPack() gives the same digest for the same files in another order, and another for any change', t => {
  const files = [
    {path: 'pack.yaml', name: 'pack.yaml', text: head},
    {path: 'area.yaml', name: 'area.yaml', text: rule(good)},
  ];
  const digest = (list: PackFile[]) => loadPack({files: list, signed: false}).value?.digest;
  t.is(digest(files), digest(files.toReversed()));
  t.not(digest(files), digest(files.map(file => ({...file, text: `${file.text}\n`}))));
});
