/** Plain JavaScript, so that it is the same before and after the build; the rest of this package runs in browsers only. */
export const siteDirectory = new URL('./dist/site/', import.meta.url)
