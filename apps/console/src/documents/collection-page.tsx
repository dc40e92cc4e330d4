import { Button, Drawer } from '@mantine/core'
import type { DocumentBody } from '@millrace/server/api-shapes'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useConsole } from '../console-context.ts'
import { plural } from '../format/number.ts'
import { JsonBlock } from '../look/json-block.tsx'
import { Page, Panel } from '../look/page.tsx'
import { EmptyState, QueryView, RowsSkeleton } from '../look/states.tsx'
import table from '../look/table.module.css'
import { cellText, documentColumns } from './document-columns.ts'

const PAGE = 100
/** Documents change under the reader's eyes. */
const REFRESH_MS = 3_000

/** The documents of one collection. */
export function CollectionPage() {
  const { collection } = useParams({ from: '/documents/$collection' })
  const { id } = useSearch({ from: '/documents/$collection' })
  const navigate = useNavigate({ from: '/documents/$collection' })
  const open = (next: string | undefined) =>
    void navigate({ search: next === undefined ? {} : { id: next }, resetScroll: false })
  return (
    <Page
      title={collection}
      heading={
        <>
          <Link to="/documents">Documents</Link> <span className="soft">/</span> {collection}
        </>
      }
    >
      <Documents key={collection} collection={collection} onOpen={open} />
      <DocumentDrawer collection={collection} id={id} onClose={() => open(undefined)} />
    </Page>
  )
}

function Documents({
  collection,
  onOpen,
}: {
  readonly collection: string
  readonly onOpen: (id: string) => void
}) {
  const { api } = useConsole()
  // Behind which document each page began; undefined is the first page.
  const [begins, setBegins] = useState<readonly (string | undefined)[]>([undefined])
  const after = begins.at(-1)
  const query = useQuery({
    queryKey: ['documents', collection, after ?? ''],
    queryFn: ({ signal }) => api.documents(collection, { after, limit: PAGE }, { signal }),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  })
  return (
    <Panel>
      <QueryView query={query} loading={<RowsSkeleton rows={8} />}>
        {({ documents, next }) =>
          documents.length === 0 ? (
            <EmptyState title="No documents yet">
              The projection has not seen an event that makes one.
            </EmptyState>
          ) : (
            <>
              {(next !== undefined || begins.length > 1) && (
                <div className={table.bar}>
                  <Button.Group>
                    <Button
                      variant="default"
                      disabled={begins.length === 1}
                      onClick={() => setBegins(begins.slice(0, -1))}
                    >
                      Previous
                    </Button>
                    <Button
                      variant="default"
                      disabled={next === undefined}
                      onClick={() => setBegins([...begins, next])}
                    >
                      Next
                    </Button>
                  </Button.Group>
                  <span className={table.barText}>{plural(documents.length, 'document')} on this page</span>
                </div>
              )}
              <DocumentTable documents={documents} onOpen={onOpen} />
            </>
          )
        }
      </QueryView>
    </Panel>
  )
}

function DocumentTable(props: {
  readonly documents: readonly DocumentBody[]
  readonly onOpen: (id: string) => void
}) {
  const columns = documentColumns(props.documents)
  return (
    <div className={table.scroll}>
      <table className={table.table} aria-label="Documents">
        <thead>
          <tr>
            <th>id</th>
            {columns.map((name) => (
              <th key={name}>{name}</th>
            ))}
            <th className={table.figure}>Revision</th>
          </tr>
        </thead>
        <tbody>
          {props.documents.map(({ id, revision, document }) => (
            <tr key={id} className={table.row}>
              <td>
                <button type="button" className={table.open} onClick={() => props.onOpen(id)}>
                  {id}
                </button>
              </td>
              {columns.map((name) => (
                <td key={name}>{cellText(document[name])}</td>
              ))}
              <td className={table.figure}>{revision}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function DocumentDrawer(props: {
  readonly collection: string
  readonly id: string | undefined
  readonly onClose: () => void
}) {
  const { collection, id, onClose } = props
  const { api } = useConsole()
  const query = useQuery({
    queryKey: ['document', collection, id],
    queryFn: ({ signal }) => api.document(collection, id ?? '', { signal }),
    enabled: id !== undefined,
    refetchInterval: REFRESH_MS,
  })
  return (
    <Drawer
      opened={id !== undefined}
      onClose={onClose}
      position="right"
      size="lg"
      title={id}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {id !== undefined && (
        <QueryView query={query}>
          {({ document, revision }) => (
            <>
              <p className="soft">Revision {revision}</p>
              <JsonBlock value={document} label="document" />
            </>
          )}
        </QueryView>
      )}
    </Drawer>
  )
}
