import * as z from 'zod'
import { deviceBody, deviceListBody } from '../api-shapes.ts'
import type { RouteContext, TypedApi } from './http-server.ts'

const tags = ['devices']
const flag = z.enum(['true', 'false']).transform((text) => text === 'true')

/** `GET /api/devices` and `GET /api/devices/{device}`. */
export function deviceRoutes(api: TypedApi, { backbone: { fleet } }: RouteContext): void {
  api.get(
    '/devices',
    {
      schema: {
        summary: 'Devices that have connected at least once, by id',
        tags,
        querystring: z.object({
          connected: flag.optional(),
          after: z.string().max(128).optional(),
          limit: z.coerce.number().int().min(1).max(1000).default(100),
        }),
        response: { 200: deviceListBody },
      },
    },
    ({ query }) => fleet.list(query),
  )
  api.get(
    '/devices/:device',
    {
      schema: {
        summary: 'One device: presence and its newest events',
        tags,
        params: z.object({ device: z.string() }),
        response: { 200: deviceBody },
      },
    },
    ({ params }) => fleet.device(params.device),
  )
}
