import { type Finding, formatFindings } from './finding.ts'
import { root } from './root.ts'
import { diskTree } from './tree.ts'
import { readWorkspace, type Workspace } from './workspace.ts'

/** Runs checks over this repository, prints what they find, and sets the exit code. */
export function reportFindings(checks: Readonly<Record<string, (workspace: Workspace) => Finding[]>>): void {
  const workspace = readWorkspace(diskTree(root))
  const findings = Object.values(checks).flatMap((check) => check(workspace))
  for (const line of formatFindings(findings)) console.log(line)
  console.log(`${Object.keys(checks).length} checks, ${findings.length} findings`)
  if (findings.length > 0) process.exitCode = 1
}
