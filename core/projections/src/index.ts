export {
  type Apply,
  type Projection,
  type ProjectionCase,
  type ProjectionOptions,
  projection,
} from './projection.ts'
export { type ProjectionEnvironment, runProjection } from './run-projection.ts'
