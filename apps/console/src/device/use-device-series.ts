import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useState } from 'react'
import type { Api } from '../api/client.ts'
import { useConsole } from '../console-context.ts'
import { CHART_SAMPLES_MAX, DeviceSeries } from '../live/device-series.ts'
import { FLUSH_MS } from '../live/fleet-store.ts'

/** Messages that one request may bring. */
const PAGE = 1_000
/** Requests a partition that look for a device's past among the messages of all devices. */
const PAGES_MAX = 4
/** Partitions of one topic that are searched. */
const PARTITIONS_MAX = 8

/**
 * The series of a device: the past out of the topics of its event types, then what comes in; anew at most four times a
 * second.
 */
export function useDeviceSeries(device: string, types: readonly string[]) {
  const { api, live } = useConsole()
  const series = useMemo(() => new DeviceSeries(), [])
  const [version, setVersion] = useState(0)
  useEffect(() => {
    const stop = live.onReading((reading) => {
      if (reading.device === device) series.add(reading)
    })
    // The same number again draws nothing.
    const timer = setInterval(() => setVersion(series.version), FLUSH_MS)
    return () => {
      stop()
      clearInterval(timer)
    }
  }, [live, device, series])
  const wanted = [...types].sort()
  const past = useQuery({
    queryKey: ['device-past', device, wanted.join(' ')],
    queryFn: async ({ signal }) => {
      for (const type of wanted) await seedFromTopic(api, series, device, type, signal)
      return series.version
    },
    enabled: wanted.length > 0,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
  return { series: series.all(), version, past }
}

/** Goes back through a topic until there is enough of the device, or the limit is reached. */
async function seedFromTopic(
  api: Api,
  series: DeviceSeries,
  device: string,
  topic: string,
  signal: AbortSignal,
): Promise<void> {
  const known = (await api.topics({ signal })).topics.find((each) => each.name === topic)
  for (const { partition, startOffset, endOffset } of (known?.partitions ?? []).slice(0, PARTITIONS_MAX)) {
    let end = endOffset
    let found = 0
    for (let page = 0; page < PAGES_MAX && end > startOffset && found < CHART_SAMPLES_MAX; page += 1) {
      const from = Math.max(startOffset, end - PAGE)
      const { messages } = await api.messages(topic, { partition, from, limit: end - from }, { signal })
      const own = messages.filter((message) => message.key === device)
      series.seed(device, own)
      found += own.length
      end = from
      // A key lives in one partition: where there is nothing of this device in a whole page, there will hardly be more.
      if (own.length === 0) break
    }
  }
}
