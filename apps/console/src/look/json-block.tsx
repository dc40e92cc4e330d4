import { ActionIcon, CopyButton, Tooltip } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { useMemo } from 'react'
import { jsonTokens } from '../format/json.ts'
import styles from './json-block.module.css'

/** Characters that are shown; all of it can be copied. */
const SHOWN_CHARS_MAX = 100_000

/** A value as JSON, coloured, with a button that copies it. */
export function JsonBlock({ value, label }: { readonly value: unknown; readonly label: string }) {
  const text = useMemo(() => JSON.stringify(value, null, 2) ?? '–', [value])
  return <CodeBlock text={text} label={label} json />
}

/** A text as it is. */
export function CodeBlock({
  text,
  label,
  json = false,
}: {
  readonly text: string
  readonly label: string
  readonly json?: boolean
}) {
  const shown = text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}\n…` : text
  const tokens = useMemo(
    () => (json ? jsonTokens(shown) : [{ kind: 'mark' as const, text: shown, at: 0 }]),
    [json, shown],
  )
  return (
    <div className={styles.block}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <section className={styles.pre} aria-label={label} tabIndex={0}>
        <pre>
          {tokens.map((token) => (
            <span key={token.at} className={styles[token.kind]}>
              {token.text}
            </span>
          ))}
        </pre>
      </section>
      <div className={styles.copy}>
        <CopyText text={text} label={`Copy ${label}`} />
      </div>
    </div>
  )
}

/** Copies a text and says that it did. */
export function CopyText({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <CopyButton value={text} timeout={1_500}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : label} withinPortal>
          <ActionIcon variant="subtle" size="sm" onClick={copy} aria-label={copied ? 'Copied' : label}>
            {copied ? <IconCheck size={15} /> : <IconCopy size={15} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  )
}
