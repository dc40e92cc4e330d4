import { spawnSync } from 'node:child_process'

/** The Python of this machine; undefined if it has none, which npm test then says. */
export const python = ['python3', 'python'].find(
  (name) => spawnSync(name, ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))']).status === 0,
)
