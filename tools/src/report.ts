import { type Finding, formatFindings } from './finding.ts'
import { root } from './root.ts'
import { diskTree } from './tree.ts'
import { readWorkspace, type Workspace } from './workspace.ts'

/** A look at the whole repository. It reads the tree and changes nothing. */
export type Check = (workspace: Workspace) => Finding[]

/** Runs checks over this repository, prints what they find, and sets the exit code. */
export function reportFindings(checks: Readonly<Record<string, Check>>): void {
  const workspace = readWorkspace(diskTree(root))
  const findings = Object.values(checks).flatMap((check) => check(workspace))
  for (const line of formatFindings(findings)) console.log(line)
  console.log(`${Object.keys(checks).length} checks, ${findings.length} findings`)
  if (findings.length > 0) process.exitCode = 1
}
