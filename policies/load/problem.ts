/** One thing wrong in a file that an administrator wrote. Lines and columns count from 1. */
export type Problem = {
  path: string;
  line: number;
  column: number;
  /** What was found and what was wanted; lower case, no full stop. */
  message: string;
  code: ProblemCode;
  /** The line of the file, for the caret to point into; absent when there is no such line. */
  source?: string;
};

export const problemCodes = [
  'REEVE_YAML_SYNTAX',
  'REEVE_YAML_FEATURE',
  'REEVE_FILE_TOO_LARGE',
  'REEVE_KEY_UNKNOWN',
  'REEVE_KEY_MISSING',
  'REEVE_VALUE_INVALID',
  'REEVE_PARAM_UNKNOWN',
  'REEVE_RULE_DUPLICATE',
  'REEVE_NONE_MISSING',
  'REEVE_NONE_POINTLESS',
  'REEVE_PACK_INCOMPLETE',
  'REEVE_PACK_SAME_CHECK',
  'REEVE_CASE_MISSING',
  'REEVE_CASE_VERDICT',
  'REEVE_CASE_ORPHAN',
  'REEVE_PROBE_UNSIGNED',
] as const;
export type ProblemCode = (typeof problemCodes)[number];

/** `path:line:column: message [CODE]`, then the line and a caret below the column. */
export function formatProblem(problem: Problem): string {
  const head = `${problem.path}:${problem.line}:${problem.column}: ${problem.message} [${problem.code}]`;
  if (problem.source === undefined) return head;
  const start = Math.max(0, problem.column - 60);
  const line = problem.source.slice(start, start + 100).replaceAll('\t', ' ');
  return `${head}\n    ${line}\n    ${' '.repeat(problem.column - 1 - start)}^`;
}

/** By file, then place, so that a reader can go through them from top to bottom. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  return problems.toSorted(
    (a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0) || a.line - b.line || a.column - b.column,
  );
}
