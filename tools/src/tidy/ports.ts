import type { Finding } from '../finding.ts'
import { walk } from '../source.ts'
import type { Package, Port, Workspace } from '../workspace.ts'

const PORT_MEMBERS_MAX = 12
const CONFORMANCE = 'testing/conformance'

/** A port is small, has one conformance suite, and every adapter passes it. */
export function checkPorts(workspace: Workspace): Finding[] {
  return Object.entries(workspace.layers.ports).flatMap(([name, port]) => [
    ...checkContract(workspace, name, port),
    ...checkSuite(workspace, name, port),
    ...port.adapters.flatMap((folder) => checkAdapter(workspace, name, port, folder)),
  ])
}

function checkContract(workspace: Workspace, name: string, port: Port): Finding[] {
  const owner = findPackage(workspace, port.package)
  const findings: Finding[] = []
  let found = false
  for (const { part, source } of owner?.files ?? []) {
    if (part !== 'src') continue
    walk(source.program, (node) => {
      if (node.type !== 'TSInterfaceDeclaration' || node.id.name !== name) return
      found = true
      const members = node.body.body.length
      if (members <= PORT_MEMBERS_MAX) return
      findings.push({
        path: source.path,
        line: source.lineAt(node.start),
        wrong: `The port ${name} has ${members} members, and ${PORT_MEMBERS_MAX} is the limit`,
        cure: 'Leave out what can be made of the others, or split the port by who calls it',
      })
    })
  }
  if (found) return findings
  const wrong = `The port ${name} is not an interface in ${port.package}/src`
  return [{ path: 'layers.json', wrong, cure: 'Declare it there, or correct "ports" in layers.json' }]
}

function checkSuite({ tree }: Workspace, name: string, port: Port): Finding[] {
  const path = `${CONFORMANCE}/src/index.ts`
  if (tree.has(path) && new RegExp(`\\b${port.suite}\\b`).test(tree.read(path))) return []
  return [
    {
      path,
      wrong: `The port ${name} has no conformance suite ${port.suite}`,
      cure: `Write "export function ${port.suite}(name, factory)" in ${CONFORMANCE}/src, and export it here`,
    },
  ]
}

function checkAdapter(workspace: Workspace, name: string, port: Port, folder: string): Finding[] {
  const tests = findPackage(workspace, folder)?.files.filter(({ part }) => part === 'test') ?? []
  const calls = tests.some(({ source }) => {
    let called = false
    walk(source.program, (node) => {
      if (node.type !== 'CallExpression' || node.callee.type !== 'Identifier') return
      if (node.callee.name === port.suite) called = true
    })
    return called
  })
  if (calls) return []
  return [
    {
      path: `${folder}/test`,
      wrong: `No test of ${folder} runs the conformance suite of its port ${name}`,
      cure: `Call ${port.suite}(name, factory) from '@millrace/conformance' in a test of ${folder}`,
    },
  ]
}

function findPackage(workspace: Workspace, folder: string): Package | undefined {
  return workspace.packages.find((each) => each.folder === folder)
}
