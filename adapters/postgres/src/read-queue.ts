import { type CheckedRead, documentLimits } from '@millrace/documents'
import { assert, millraceError } from '@millrace/kernel'
import type { Client } from 'pg'
import { compileRead, type Dialect, type PlainRead } from './compiled-read.ts'
import type { AnsweredBatch, Connections } from './connections.ts'
import type { FeedReader } from './feed-reader.ts'
import { isStale, serverError } from './postgres-failure.ts'
import { answerOf } from './read-answers.ts'
import type { Statement, StatementResult } from './statement.ts'

const TOGETHER: Statement = { sql: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', parameters: [] }
const DONE: Statement = { sql: 'COMMIT', parameters: [] }
const UNDONE: Statement = { sql: 'ROLLBACK', parameters: [] }

/** Answers questions in one round trip, all from one snapshot. */
export class ReadQueue {
  readonly #connections: Connections
  readonly #dialect: Dialect
  readonly #feed: FeedReader

  constructor(connections: Connections, dialect: Dialect, feed: FeedReader) {
    this.#connections = connections
    this.#dialect = dialect
    this.#feed = feed
  }

  /** @throws as Database.read */
  async answer(reads: readonly CheckedRead[]): Promise<readonly unknown[]> {
    if (!reads.some(isOfFeed)) return this.#ask(reads, 0)
    const quick = await this.#fullPage(reads)
    if (quick !== undefined) return quick
    // The snapshot must be younger than the mark: what is decided is visible to whoever looks after that.
    return this.#ask(reads, await this.#feed.decided())
  }

  /** The next page of a feed that is far behind is below what is known to be decided; then nobody has to ask. */
  async #fullPage(reads: readonly CheckedRead[]): Promise<readonly unknown[] | undefined> {
    const [read, another] = reads
    if (read?.kind !== 'feed' || another !== undefined) return undefined
    const { known } = this.#feed
    if (known - read.after < read.limit) return undefined
    const answers = await this.#ask(reads, known)
    const { events } = answers[0] as ReturnType<FeedReader['answer']>
    return events.length === read.limit ? answers : undefined
  }

  async #ask(reads: readonly CheckedRead[], decided: number): Promise<readonly unknown[]> {
    const statements = reads.map((read) => this.#statementsOf(read, decided))
    const all = statements.flat()
    const results = all.length === 0 ? [] : await this.#run(all)
    let at = 0
    return reads.map((read, index) => {
      const count = statements[index]?.length ?? 0
      const own = results.slice(at, at + count)
      at += count
      return this.#answerOf(read, decided, own)
    })
  }

  #statementsOf(read: CheckedRead, decided: number): readonly Statement[] {
    if (read.kind === 'feed-end') return []
    return read.kind === 'feed' ? [this.#feed.statement(read, decided)] : compileRead(this.#dialect, read)
  }

  #answerOf(read: CheckedRead, decided: number, results: readonly StatementResult[]): unknown {
    if (read.kind === 'feed-end') return decided
    if (read.kind !== 'feed') return answerOf(read, results)
    const [result] = results
    assert(result !== undefined, 'a feed has a statement')
    return this.#feed.answer(read, decided, result)
  }

  async #run(statements: readonly Statement[], isAgain = false): Promise<readonly StatementResult[]> {
    try {
      return await this.#connections.use(async (client) => {
        const answered = await this.#together(client, statements)
        if (answered.isTooLarge) throw tooLarge()
        return statements.length === 1 ? answered.results : answered.results.slice(1, -1)
      })
    } catch (error) {
      if (!isAgain && isStale(error)) return this.#run(statements, true)
      throw error
    }
  }

  /** One statement has one snapshot anyway. */
  async #together(client: Client, statements: readonly Statement[]): Promise<AnsweredBatch> {
    // What is measured exactly is what becomes of it; this keeps the memory in bounds.
    const options = { charactersMax: 2 * documentLimits.resultCharactersMax }
    if (statements.length === 1) return this.#connections.submit(client, statements, options)
    try {
      return await this.#connections.submit(client, [TOGETHER, ...statements, DONE], options)
    } catch (error) {
      if (serverError(error) !== undefined)
        await this.#connections.submit(client, [UNDONE]).catch(() => undefined)
      throw error
    }
  }
}

/** The statement of a read that the engine would be asked about first. */
export function firstStatement(dialect: Dialect, feed: FeedReader, read: CheckedRead): Statement {
  if (read.kind === 'feed-end') return feed.look()
  if (read.kind === 'feed') return feed.statement(read, feed.known)
  const [first] = compileRead(dialect, read as PlainRead)
  assert(first !== undefined, 'every read has a statement')
  return first
}

function isOfFeed({ kind }: CheckedRead): boolean {
  return kind === 'feed' || kind === 'feed-end'
}

function tooLarge() {
  const seen = `a result of more than ${documentLimits.resultCharactersMax} characters`
  return millraceError('QUERY_INVALID', { collection: 'several reads', seen, expected: 'a smaller limit' })
}
