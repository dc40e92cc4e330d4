/** Where `vite build` puts the console: a folder of static files with `index.html`. */
export const siteDirectory: URL
