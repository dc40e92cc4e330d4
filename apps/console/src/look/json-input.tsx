import { Textarea } from '@mantine/core'
import { parseJson } from '../format/json.ts'
import styles from './json-input.module.css'

/** A field for JSON: monospaced, with a button that lays it out. The tab key leaves it, as it leaves any field. */
export function JsonInput(props: {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly error?: string | undefined
  readonly rows?: number
}) {
  const parsed = parseJson(props.value)
  const format = () => {
    if (parsed.ok && parsed.value !== undefined) props.onChange(JSON.stringify(parsed.value, null, 2))
  }
  return (
    <div className={styles.field}>
      <Textarea
        label={`${props.label} (JSON)`}
        value={props.value}
        onChange={(event) => props.onChange(event.currentTarget.value)}
        error={props.error}
        autosize
        minRows={props.rows ?? 4}
        maxRows={16}
        spellCheck={false}
        classNames={{ input: styles.input ?? '' }}
      />
      <button type="button" className={styles.format} onClick={format} disabled={!parsed.ok}>
        Format
      </button>
    </div>
  )
}
