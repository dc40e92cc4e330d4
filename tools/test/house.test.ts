import { describe, expect, test } from 'vitest'
import { formatFindings } from '../src/finding.ts'
import { layerChecks } from '../src/layers.ts'
import { root } from '../src/root.ts'
import { tidyChecks } from '../src/tidy.ts'
import { diskTree } from '../src/tree.ts'
import { readWorkspace } from '../src/workspace.ts'

const workspace = readWorkspace(diskTree(root))

describe('this repository passes the check', () => {
  test.each(Object.entries({ ...layerChecks, ...tidyChecks }))('%s', (_, check) => {
    expect(formatFindings(check(workspace))).toEqual([])
  })
})
