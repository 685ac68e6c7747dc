import type {Answer} from '../../../policies/facts/answer.ts';
import {printable} from '../../host/names.ts';
import {labelled} from '../../report/text.ts';

const columns = 78;
const labelWidth = 15;

/** A label and its text, wrapped to a terminal of 80 columns; what came from the host is made printable. */
export function row(label: string, text: string): string[] {
  return labelled(label, printable(text), {indent: 0, labelWidth, columns}).flatMap(cut);
}

/** A word longer than a line, such as a path, goes on in the next one. */
function cut(line: string): string[] {
  if (line.length <= columns) return [line];
  return [line.slice(0, columns), ...cut(' '.repeat(labelWidth) + line.slice(columns))];
}

/** `value [where]`; what is not there or could not be seen stands with its reason. */
export function answerRow<T>(label: string, answer: Answer<T>, show: (value: T) => string): string[] {
  switch (answer.state) {
    case 'seen':
      return row(label, `${show(answer.value)}${placesText(answer.where)}`);
    case 'absent':
      return row(label, `none: ${answer.reason}`);
    case 'unseen':
      return row(label, `unknown: ${answer.reason}`);
    case 'live-only':
      return row(label, `not on an image: ${answer.reason}`);
  }
}

export function placesText(where: readonly string[]): string {
  if (where.length === 0) return '';
  const more = where.length > 2 ? `, and ${where.length - 2} more` : '';
  return ` [${where.slice(0, 2).join(', ')}${more}]`;
}

/** At most 12 names, and how many more. */
export function names(list: readonly string[]): string {
  if (list.length === 0) return 'none';
  return list.length <= 12 ? list.join(', ') : `${list.slice(0, 12).join(', ')} and ${list.length - 12} more`;
}
