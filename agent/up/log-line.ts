import {parseJson} from '../../controller/protocol/codec.ts';
import {logLevels} from '../../controller/protocol/log.ts';

/** A line of standard error of one of the processes, for a reader; `matters` when it is a warning or worse, or no log line. */
export function readLogLine(line: string): {text: string; matters: boolean} {
  const value = parseJson(line);
  if (typeof value !== 'object' || value === null || !('message' in value) || !('level' in value))
    return {text: line, matters: true};
  const {at: _at, level, part: _part, message, ...data} = value as {[key: string]: unknown};
  const rest = Object.entries(data).map(
    ([key, one]) => `${key} ${typeof one === 'string' ? one : JSON.stringify(one)}`,
  );
  return {
    text: `${message}${rest.length === 0 ? '' : ` (${rest.join(', ')})`}`,
    matters: (logLevels[level as keyof typeof logLevels] ?? 0) <= logLevels.warning,
  };
}
