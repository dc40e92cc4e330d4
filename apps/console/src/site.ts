/** Where `vite build` puts the console: a folder of static files with `index.html`. For the server; no browser code. */
export const siteDirectory = new URL('../dist/site/', import.meta.url)
