import type { Finding } from '../finding.ts'
import { readPage } from '../markdown.ts'
import type { Package, Workspace } from '../workspace.ts'

const RECEIVES = /\b(receives?|takes?|accepts?|reads?|gets?)\b/i
const HANDS_ON = /\b(hands?|gives?|passes|returns?|sends?|writes?)\b/i
const EXAMPLE =
  '"Receives batches of records from `bus` and hands them to `Files`, durable before acknowledged"'

/** A README begins with the place of its package in the flow. */
export function checkReadmes(workspace: Workspace): Finding[] {
  return workspace.packages.flatMap((owner) => checkReadme(workspace, owner))
}

function checkReadme({ tree }: Workspace, { folder, manifest }: Package): Finding[] {
  const path = `${folder}/README.md`
  const cure = `Write after the title a sentence such as ${EXAMPLE}`
  if (!tree.has(path)) {
    return [
      {
        path,
        wrong: `The package ${folder} has no README`,
        cure: `Begin with "# ${manifest.name}". ${cure}`,
      },
    ]
  }
  const { title, lead } = readPage(tree.read(path))
  const sentence = /^.*?\.(?=\s|$)/.exec(lead)?.[0] ?? ''
  return [
    ...(title === manifest.name
      ? []
      : [
          {
            path,
            wrong: `The title is "${title}", but the package is ${manifest.name}`,
            cure: `Begin with "# ${manifest.name}"`,
          },
        ]),
    ...(RECEIVES.test(sentence) && HANDS_ON.test(sentence)
      ? []
      : [{ path, wrong: 'The first sentence does not say what the package receives and hands on', cure }]),
  ]
}
