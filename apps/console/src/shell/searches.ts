/** What the addresses of pages carry. Whatever stands in the address bar, something usable comes out. */

type Raw = Readonly<Record<string, unknown>>

export const PRESENCES = ['all', 'connected', 'away'] as const
export const FLEET_ORDERS = ['id', 'value', 'seen', 'pending'] as const
export const TOPIC_TABS = ['browse', 'follow', 'dead-letters'] as const

export interface FleetSearch {
  readonly find?: string | undefined
  readonly presence?: (typeof PRESENCES)[number] | undefined
  readonly order?: (typeof FLEET_ORDERS)[number] | undefined
  readonly down?: boolean | undefined
  /** The numeric property whose values are shown. */
  readonly show?: string | undefined
}

export function fleetSearch(raw: Raw): FleetSearch {
  return present({
    find: text(raw.find),
    presence: oneOf(PRESENCES, raw.presence, 'all'),
    order: oneOf(FLEET_ORDERS, raw.order, 'id'),
    down: raw.down === true ? true : undefined,
    show: text(raw.show),
  })
}

export interface TopicsSearch {
  readonly system?: boolean | undefined
}

export const topicsSearch = (raw: Raw): TopicsSearch =>
  present({ system: raw.system === true ? true : undefined })

export interface TopicSearch {
  readonly tab?: (typeof TOPIC_TABS)[number] | undefined
  readonly partition?: number | undefined
  /** First offset of the page of messages; missing: the newest page. */
  readonly from?: number | undefined
}

export function topicSearch(raw: Raw): TopicSearch {
  return present({
    tab: oneOf(TOPIC_TABS, raw.tab, 'browse'),
    partition: count(raw.partition) || undefined,
    from: count(raw.from),
  })
}

export interface DocumentSearch {
  readonly id?: string | undefined
}

export const documentSearch = (raw: Raw): DocumentSearch => present({ id: text(raw.id) })

function text(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  const trimmed = String(value).slice(0, 200)
  return trimmed === '' ? undefined : trimmed
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

/** The usual choice is left out of the address. */
function oneOf<Choice extends string>(
  choices: readonly Choice[],
  value: unknown,
  usual: Choice,
): Choice | undefined {
  const found = choices.find((choice) => choice === value)
  return found === usual ? undefined : found
}

type Present<Given> = { readonly [Name in keyof Given]?: Exclude<Given[Name], undefined> }

function present<Given extends object>(given: Given): Present<Given> {
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as Present<Given>
}
