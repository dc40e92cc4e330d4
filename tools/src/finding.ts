/** One place where the house does not follow its rules. */
export interface Finding {
  /** Path from the root of the repository, with forward slashes. */
  readonly path: string
  /** Counted from 1; absent when the finding is about the file as a whole. */
  readonly line?: number
  /** What is wrong, as a sentence without a full stop. */
  readonly wrong: string
  /** What to do about it, as a sentence without a full stop. */
  readonly cure: string
}

/** `path:line: what is wrong. What to do.` on one line, as terminals and editors can follow it. */
export function formatFinding(finding: Finding): string {
  const place = finding.line === undefined ? finding.path : `${finding.path}:${finding.line}`
  return `${place}: ${finding.wrong}. ${finding.cure}.`
}

/** Findings as lines, ordered by place. */
export function formatFindings(findings: readonly Finding[]): string[] {
  const order = (a: Finding, b: Finding) =>
    a.path < b.path ? -1 : a.path > b.path ? 1 : (a.line ?? 0) - (b.line ?? 0)
  return [...findings].sort(order).map(formatFinding)
}
