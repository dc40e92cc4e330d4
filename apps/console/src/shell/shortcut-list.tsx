import { Kbd, Modal } from '@mantine/core'
import { Fragment } from 'react'
import { useConsole } from '../console-context.ts'
import styles from './shortcut-list.module.css'

/** Every shortcut that is valid on the page that is shown. */
export function ShortcutList({
  opened,
  onClose,
}: {
  readonly opened: boolean
  readonly onClose: () => void
}) {
  const { shortcuts } = useConsole()
  return (
    <Modal opened={opened} onClose={onClose} title="Shortcuts" closeButtonProps={{ 'aria-label': 'Close' }}>
      <dl className={styles.list}>
        {shortcuts.list().map(({ keys, does }) => (
          <Fragment key={keys}>
            <dt>
              {keys.split(' ').map((key) => (
                <Kbd key={key}>{key}</Kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </Fragment>
        ))}
        <dt>
          <Kbd>Esc</Kbd>
        </dt>
        <dd>Close what is open</dd>
      </dl>
    </Modal>
  )
}
