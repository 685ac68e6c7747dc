/** How much a line of a log matters; the numbers are those of syslog(3). */
export const logLevels = {error: 3, warning: 4, info: 6, debug: 7} as const;
export type LogLevel = keyof typeof logLevels;
export type Log = (level: LogLevel, message: string, data?: {[name: string]: string | number | boolean | null}) => void;

/**
 * A log that writes one JSON object a line: time, level, which process, message and data. Never given secrets, and
 * nothing that a stranger chose but as a value, where JSON keeps it on its line.
 */
export function makeLog(part: 'agent' | 'link' | 'controller' | 'up', write: (line: string) => void): Log {
  return (level, message, data = {}) =>
    write(`${JSON.stringify({at: new Date().toISOString(), level, part, message, ...data})}\n`);
}
