import { ActionIcon, Tooltip, useMantineColorScheme } from '@mantine/core'
import { IconDeviceDesktop, IconMoon, IconSun } from '@tabler/icons-react'

const SCHEMES = {
  auto: { next: 'light', says: 'Colours follow the system', Icon: IconDeviceDesktop },
  light: { next: 'dark', says: 'Colours are light', Icon: IconSun },
  dark: { next: 'auto', says: 'Colours are dark', Icon: IconMoon },
} as const

/** System, light, dark, and around again. The choice is remembered. */
export function SchemeSwitch({ className }: { readonly className?: string | undefined }) {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const { next, says, Icon } = SCHEMES[colorScheme]
  const label = `${says}; switch to ${next === 'auto' ? 'those of the system' : next}`
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="subtle"
        className={className ?? ''}
        onClick={() => setColorScheme(next)}
        aria-label={label}
      >
        <Icon size={18} />
      </ActionIcon>
    </Tooltip>
  )
}
