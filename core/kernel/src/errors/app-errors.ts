import { defineErrors } from './error-entry.ts'

/** Errors of applications: configuration, composition, the HTTP API and the command line. */
export const appErrors = defineErrors({
  CONFIGURATION_INVALID: {
    seen: 'The setting {path} is {seen}',
    expected: '{expected}',
    remedy: 'Correct the setting.',
    retryable: false,
  },
  APP_FILE_NOT_FOUND: {
    seen: 'There is no file {file}',
    expected: 'a TypeScript or JavaScript module whose default export is made by defineApp',
    remedy: 'Check the path, or make a new application with "millrace init".',
    retryable: false,
  },
  APP_FILE_BROKEN: {
    seen: 'The application file {file} could not be loaded: {reason}',
    expected: 'a module that compiles and runs',
    remedy: 'Mend the file.',
    retryable: false,
  },
  APP_DEFINITION_INVALID: {
    seen: 'The application file {file} has {seen}',
    expected: 'a default export made by defineApp',
    remedy: 'End the file with "export default defineApp(…)".',
    retryable: false,
  },
  API_UNAUTHORIZED: {
    seen: 'The request carries {seen}',
    expected: 'the API token as "Authorization: Bearer …"',
    remedy:
      'Use the address that "millrace dev" prints, or read the token from api-token in the data directory.',
    retryable: false,
  },
  API_REQUEST_INVALID: {
    seen: 'The request has {seen}',
    expected: '{expected}',
    remedy: 'Correct the request; /openapi.json describes what is allowed.',
    retryable: false,
  },
  API_NOT_FOUND: {
    seen: 'There is nothing at {path}',
    expected: 'a path that /openapi.json names',
    remedy: 'Check the address.',
    retryable: false,
  },
  API_UNREACHABLE: {
    seen: 'No Millrace answers at {url}',
    expected: 'a running "millrace dev" or "millrace start"',
    remedy: 'Start it, or point --url at the right address.',
    retryable: true,
  },
})
