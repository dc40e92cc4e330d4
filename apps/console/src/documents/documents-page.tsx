import { Link } from '@tanstack/react-router'
import { formatCount } from '../format/number.ts'
import { Page, Panel } from '../look/page.tsx'
import { EmptyState, QueryView, RowsSkeleton } from '../look/states.tsx'
import table from '../look/table.module.css'
import { useStatus } from '../processors/use-status.ts'

/** The collections that projections keep. */
export function DocumentsPage() {
  const query = useStatus()
  return (
    <Page
      title="Documents"
      lead="What projections make of the events: one document for each thing, kept up to date."
    >
      <Panel>
        <QueryView query={query} loading={<RowsSkeleton rows={3} />}>
          {({ collections }) =>
            collections.length === 0 ? (
              <EmptyState title="No collections">
                Add a projection to the application, and its documents appear here.
              </EmptyState>
            ) : (
              <table className={table.table}>
                <thead>
                  <tr>
                    <th>Collection</th>
                    <th className={table.figure}>Documents</th>
                  </tr>
                </thead>
                <tbody>
                  {collections.map(({ name, documents }) => (
                    <tr key={name}>
                      <td>
                        <Link to="/documents/$collection" params={{ collection: name }}>
                          {name}
                        </Link>
                      </td>
                      <td className={table.figure}>{formatCount(documents)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )
          }
        </QueryView>
      </Panel>
    </Page>
  )
}
