/** SQLSTATEs of our own, as the functions of the store raise them; the detail is JSON. */
export const OWN_STATE = {
  documentConflict: 'MR001',
  patchRefused: 'MR002',
  documentTooLarge: 'MR003',
  tooManyChanges: 'MR004',
  streamRefused: 'MR005',
  positionConflict: 'MR006',
} as const
