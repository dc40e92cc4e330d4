import {
  createRootRoute,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  Link,
  lazyRouteComponent,
} from '@tanstack/react-router'
import { problemOf } from '../api/problem.ts'
import { Page, Panel } from '../look/page.tsx'
import { EmptyState, ProblemState, RowsSkeleton } from '../look/states.tsx'
import { documentSearch, fleetSearch, topicSearch, topicsSearch } from './searches.ts'
import { Shell } from './shell.tsx'

const rootRoute = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: Failed })

const fleetRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  validateSearch: fleetSearch,
  component: lazyRouteComponent(() => import('../fleet/fleet-page.tsx'), 'FleetPage'),
})
const deviceRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/devices/$id',
  component: lazyRouteComponent(() => import('../device/device-page.tsx'), 'DevicePage'),
})
const topicsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/topics',
  validateSearch: topicsSearch,
  component: lazyRouteComponent(() => import('../topics/topics-page.tsx'), 'TopicsPage'),
})
const topicRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/topics/$topic',
  validateSearch: topicSearch,
  component: lazyRouteComponent(() => import('../topics/topic-page.tsx'), 'TopicPage'),
})
const documentsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/documents',
  component: lazyRouteComponent(() => import('../documents/documents-page.tsx'), 'DocumentsPage'),
})
const collectionRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/documents/$collection',
  validateSearch: documentSearch,
  component: lazyRouteComponent(() => import('../documents/collection-page.tsx'), 'CollectionPage'),
})
const processorsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/processors',
  component: lazyRouteComponent(() => import('../processors/processors-page.tsx'), 'ProcessorsPage'),
})

const routeTree = rootRoute.addChildren([
  fleetRoute,
  deviceRoute,
  topicsRoute,
  topicRoute,
  documentsRoute,
  collectionRoute,
  processorsRoute,
])

export const router = createRouter({
  routeTree,
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultPendingComponent: () => <RowsSkeleton />,
  defaultErrorComponent: Failed,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

function NotFound() {
  return (
    <Page title="Not found">
      <Panel>
        <EmptyState title="There is no such page">
          The address may be old. <Link to="/">Go to the fleet</Link>
        </EmptyState>
      </Panel>
    </Page>
  )
}

/** A page that broke, or whose code could not be loaded: the others still work. */
function Failed({ error, reset }: ErrorComponentProps) {
  return (
    <Page title="Something broke">
      <ProblemState problem={problemOf(error)} onRetry={reset} />
    </Page>
  )
}
