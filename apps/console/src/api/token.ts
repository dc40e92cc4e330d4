/** Where the token is kept: for this tab, until it is closed. */
export const TOKEN_KEY = 'millrace.token'

/** The token in an address's fragment (`#token=…`), or undefined. */
export function tokenOfFragment(fragment: string): string | undefined {
  if (!fragment.startsWith('#')) return undefined
  const token = new URLSearchParams(fragment.slice(1)).get('token')?.trim()
  return token ? token : undefined
}

/** What a person pasted: the bare token, or the whole address that `millrace dev` printed. */
export function tokenOfPaste(pasted: string): string | undefined {
  const text = pasted.trim()
  const fragment = text.indexOf('#token=')
  if (fragment >= 0) return tokenOfFragment(text.slice(fragment))
  return text !== '' && !/\s/.test(text) ? text : undefined
}

/** The token of this tab, and who wants to know when it changes. */
export interface TokenBox {
  current(): string | undefined
  /** True after an answer 401: the token is shown as wrong until another one is set. */
  rejected(): boolean
  set(token: string): void
  reject(token: string | undefined): void
  subscribe(listener: () => void): () => void
}

/** Keeps the token in `storage`, if there is one. */
export function createTokenBox(
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> | undefined,
): TokenBox {
  let token = storage?.getItem(TOKEN_KEY) ?? undefined
  let rejected = false
  const listeners = new Set<() => void>()
  const tell = () => {
    for (const listener of listeners) listener()
  }
  return {
    current: () => token,
    rejected: () => rejected,
    set(next) {
      token = next
      rejected = false
      storage?.setItem(TOKEN_KEY, next)
      tell()
    },
    reject(refused) {
      // An answer to an older request says nothing about the token that has been set since.
      if (rejected || refused !== token) return
      rejected = true
      storage?.removeItem(TOKEN_KEY)
      tell()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** Takes the token out of the address bar, so that it is neither shared nor kept in the history. */
export function takeTokenFromAddress(box: TokenBox, window: Pick<Window, 'location' | 'history'>): void {
  const token = tokenOfFragment(window.location.hash)
  if (token === undefined) return
  window.history.replaceState(window.history.state, '', window.location.pathname + window.location.search)
  box.set(token)
}
