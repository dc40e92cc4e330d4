// Runs before the first paint, so that a dark console does not flash white. A file, because the content security
// policy allows no inline script.
;(() => {
  let chosen = 'auto'
  try {
    chosen = localStorage.getItem('millrace.scheme') ?? 'auto'
  } catch {
    // No storage (private window): the system decides.
  }
  const dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.mantineColorScheme = dark ? 'dark' : 'light'
})()
