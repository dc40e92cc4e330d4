import { type Figure, type FigureDraft, figureOf, type RunContext } from '../figure.ts'

export function storeFigure(draft: FigureDraft, context: RunContext): Figure {
  return figureOf('store', draft, context)
}
