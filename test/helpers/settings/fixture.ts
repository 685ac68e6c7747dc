import {readdirSync, readFileSync} from 'node:fs';
import {collectFacts} from '../../../agent/host/facts/collect.ts';
import type {Fixture} from '../../../agent/host/memory/fixture.ts';
import {memoryHost} from '../../../agent/host/memory/host.ts';
import type {Answer} from '../../../policies/facts/answer.ts';
import type {SettingFact, SettingRequest} from '../../../policies/facts/setting.ts';

/**
 * A file of test/fixtures/settings: the files of a machine, each under a line `==> /path <==`, a rule of dashes, and
 * for each question (a line of JSON) what reeve answers, indented.
 */
export type SettingFixture = {
  name: string;
  files: NonNullable<Fixture['files']>;
  questions: SettingRequest[];
  answers: string;
};

const folder = new URL('../../fixtures/settings/', import.meta.url);

export function settingFixtures(): SettingFixture[] {
  return readdirSync(folder)
    .sort()
    .map(name => parseFixture(name, readFileSync(new URL(name, folder), 'utf8')));
}

function parseFixture(name: string, text: string): SettingFixture {
  const [input = '', answers = ''] = text.split(/^-{10,}\n/m);
  const parts = input.split(/^==> (.*) <==\n/m).slice(1);
  const files: SettingFixture['files'] = {};
  for (let at = 0; at < parts.length; at += 2) {
    const [path = '', link] = (parts[at] as string).split(' -> ');
    files[path] = link === undefined ? (parts[at + 1] as string).replace(/\n$/, '') : {link};
  }
  const lines = answers.split('\n').filter(line => line.startsWith('{'));
  const format = name.split(/_|\.txt$/)[0] as SettingRequest['format'];
  return {name, files, questions: lines.map(line => ({format, files: [], ...JSON.parse(line)})), answers};
}

/** The fixture's second part, made anew. */
export async function answerFixture({files, questions}: SettingFixture): Promise<string> {
  const {facts} = await collectFacts(
    memoryHost({files}),
    questions.map(question => ({fact: 'setting', ...question})),
  );
  return questions
    .map(question => {
      const {format: _, files: asked, ...rest} = question;
      const shown = asked.length > 0 ? {files: asked, ...rest} : rest;
      return `${JSON.stringify(shown)}\n${answerText(facts.get({fact: 'setting', ...question}))}`;
    })
    .join('');
}

export function answerText(answer: Answer<SettingFact>): string {
  if (answer.state !== 'seen') return `  ${answer.state}: ${answer.reason}\n`;
  const {values, overridden, conditional, default: own, change} = answer.value;
  const lines = [
    ...values.map(({value, where, origin}) => `= ${value}  (${origin} ${where})`),
    ...overridden.map(({value, where}) => `not ${value}  (${where})`),
    ...conditional.map(
      ({condition, where, values: inside}) =>
        `${condition} (${where}): ${inside.map(({value, where}) => `${value} (${where})`).join(', ')}`,
    ),
    ...(own === null
      ? []
      : 'value' in own
        ? [`default ${own.value}, of ${own.source}`]
        : [`default unseen: ${own.unseen}`]),
    ...(change === null
      ? []
      : [
          `change ${[change.file, change.before && `before ${change.before}`, change.after].filter(Boolean).join(', ')}`,
        ]),
  ];
  return lines.map(line => `  ${line}\n`).join('');
}
