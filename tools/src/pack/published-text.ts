import { resolveLink } from '../markdown.ts'

/** `from './a.ts'`, `import('./a.ts')` and `new URL('./a.ts', import.meta.url)`. */
const SOURCE_NAME = /((?:from|import|import\(|new URL\()\s*)(['"])(\.{1,2}\/[^'"\n]+)\.ts\2/g

/**
 * The compiler renames the imports of its JavaScript, but neither those of declarations nor the files that a script names
 * by URL. The new names are as long as the old ones, so source maps stay true.
 */
export function withBuiltNames(text: string): string {
  return text.replace(
    SOURCE_NAME,
    (_, before, quote, path) => `${before}${quote}${path.replace(/^\.\.\/src\//, '../dist/')}.js${quote}`,
  )
}

/**
 * A declaration that brings the library it needs, so that it means the same whatever `lib` and `types` the program that
 * reads it has chosen.
 */
export function withLibrary(declaration: string): string {
  return /\b(Async)?Disposable\b|Symbol\.(asyncD|d)ispose\b/.test(declaration)
    ? `/// <reference lib="esnext.disposable" />\n${declaration}`
    : declaration
}

/** A source map that carries its source, since the sources themselves stay at home. */
export function withSource(map: string, source: string): string {
  return JSON.stringify({ ...JSON.parse(map), sourcesContent: [source] })
}

const LINK = /\[([^\]]*)\]\(([^)\s]+)\)/g

/**
 * A README as it is read outside the repository: a link that leaves the package leads nowhere there, so its text says where
 * the page stands. Links in code stay as they are.
 */
export function publishedReadme(text: string, folder: string): string {
  const readme = `${folder}/README.md`
  const published = (link: string, label: string, target: string) => {
    const place = resolveLink(readme, target)
    if (place === undefined || place.path === readme) return link
    return label.includes(place.path) ? label : `${label} (\`${place.path}\` in the repository)`
  }
  return text
    .split(/(^```[\s\S]*?^```$)/m)
    .map((part, index) => (index % 2 === 1 ? part : part.replace(LINK, published)))
    .join('')
}
