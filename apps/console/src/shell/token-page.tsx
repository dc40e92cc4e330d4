import { Button, PasswordInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useEffect, useState } from 'react'
import { tokenOfPaste } from '../api/token.ts'
import { useConsole } from '../console-context.ts'
import { MillWheel } from '../look/mill-wheel.tsx'
import styles from './token-page.module.css'

/** Asks for the API token and says where it is. */
export function TokenPage({ rejected }: { readonly rejected: boolean }) {
  const { tokens } = useConsole()
  const queries = useQueryClient()
  const [pasted, setPasted] = useState('')
  const [complaint, setComplaint] = useState<string>()
  useEffect(() => {
    document.title = 'Token · Millrace'
  }, [])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const token = tokenOfPaste(pasted)
    if (token === undefined) return setComplaint('Paste the token, or the whole address with #token=… in it.')
    queries.clear()
    tokens.set(token)
  }
  const refusal = rejected
    ? 'The server refused this token. It may be that of another application.'
    : undefined
  return (
    <main className={styles.page}>
      <div className={styles.brand}>
        <MillWheel size={64} />
        <h1>Millrace</h1>
      </div>
      <form className={styles.card} onSubmit={submit}>
        <h2 className={styles.title}>Which token opens this console?</h2>
        <p>
          Open the address that <code>millrace dev</code> printed: it carries the token. Or paste the token
          here; it is in the file <code>.millrace/api-token</code> beside your application.
        </p>
        <PasswordInput
          label="API token"
          value={pasted}
          onChange={(event) => {
            setPasted(event.currentTarget.value)
            setComplaint(undefined)
          }}
          error={complaint ?? refusal}
          autoComplete="off"
          spellCheck={false}
          data-autofocus
          autoFocus
        />
        <Button type="submit" fullWidth>
          Open the console
        </Button>
        <p className={styles.note}>It is kept for this browser tab only.</p>
      </form>
    </main>
  )
}
