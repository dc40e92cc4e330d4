import { startFakeApi } from './fake-api.ts'

/** `npm run fake -w @millrace/console -- 40`: the fake API for `npm run dev`, and the built console on it. */
const fake = await startFakeApi({ port: 8099, devices: Number(process.argv[2] ?? 40) })
process.stdout.write(
  `${fake.address}/#token=${fake.token}\nWith vite: http://127.0.0.1:5199/#token=${fake.token}\n`,
)
