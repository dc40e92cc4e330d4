/**
 * The file system as the log needs it. Paths are relative to a root that the adapter was made with, with `/`
 * between parts. Every error of the adapter is either a catalogue error (`DISK_FULL`, `DIRECTORY_LOCKED`) or the
 * operating system's own error with its `code` (`EIO`, `ENOENT`), never swallowed and never retried.
 *
 * What survives a power cut is exactly: the contents of a file up to its last completed `sync`, and the names of
 * a directory up to its last completed `syncDirectory`. The simulated disk enforces that.
 */
export interface Files {
  /** Names (not paths) in `directory`, in no particular order; an empty list if it does not exist. */
  list(directory: string): Promise<readonly string[]>
  /** Creates `directory` and its parents; not an error if it exists. Each created name is durable on return. */
  makeDirectory(directory: string): Promise<void>
  /** Opens a file. `create` fails with `EEXIST` if the file exists; `write` and `read` with `ENOENT` if not. */
  open(path: string, mode: 'create' | 'write' | 'read'): Promise<OpenFile>
  /** Atomically gives the file another name, replacing what had it. Durable after `syncDirectory`. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file; not an error if it is missing. Durable after `syncDirectory`. */
  remove(path: string): Promise<void>
  /** Makes the names in `directory` durable: creations, renames and removals. */
  syncDirectory(directory: string): Promise<void>
  /**
   * Takes the only lock on `directory`, which ends when it is released or the process dies, however it dies, and
   * which a reused process id cannot fake. `DIRECTORY_LOCKED` names the owner if somebody else holds it.
   */
  lock(directory: string): Promise<FileLock>
  /**
   * Begins to tell listeners, in this process and in others of this machine, what the owner of `directory` says of
   * it. Only who holds the lock may announce: what a dead owner has left behind is taken over.
   */
  announce(directory: string): Promise<Announcer>
  /**
   * Listens to who announces for `directory`, now or later: hears the last thing that was said, then every newer one,
   * except those that were overtaken. When it resolves, the listener has heard of an announcer that was there before.
   */
  listen(directory: string, listener: AnnouncementListener): Promise<Listening>
}

/** Who announces. Nothing of it is durable, and it keeps no process alive. */
export interface Announcer extends AsyncDisposable {
  /** Says the newest state, in {@link ANNOUNCEMENT_BYTES} bytes that are copied. Costs next to nothing if nobody listens. */
  say(state: Uint8Array): void
  /** Stops; listeners are told. Idempotent. */
  close(): Promise<void>
}

/** What happens to a listener. */
export interface AnnouncementListener {
  said(state: Uint8Array): void
  /** The announcer has closed, or its process has died. Another one may begin at any time. */
  fellSilent(): void
}

/** A listener at work. It keeps its process alive, as it waits for something that may come. */
export interface Listening {
  /** Hears nothing any more. Idempotent. */
  close(): void
}

/** Every announcement has this size. */
export const ANNOUNCEMENT_BYTES = 64

/** A held lock. */
export interface FileLock extends AsyncDisposable {
  release(): Promise<void>
}

/** An open file. The caller owns every buffer; the adapter is done with it when the promise settles. */
export interface OpenFile extends AsyncDisposable {
  /** Size in bytes. */
  size(): Promise<number>
  /** Fills `target` from `position`; resolves with the number of bytes read, less only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>
  /** Writes all `buffers` one after another from `position` on. Not durable before `sync`. */
  write(buffers: readonly Uint8Array[], position: number): Promise<void>
  /**
   * Writes like `write`, then makes it, and every write that has completed before, durable like `sync`; in one call
   * where the system can. What a rejection means is what it means for `sync`, unless it is `DISK_FULL`.
   */
  writeDurable(buffers: readonly Uint8Array[], position: number): Promise<void>
  /**
   * Makes all completed writes durable (`fdatasync`). After a rejection nobody knows what is on the disk: the
   * caller must not sync this file again, but write the data elsewhere.
   */
  sync(): Promise<void>
  /** Cuts or extends (with zeros) the file to `size` bytes. Not durable before `sync`. */
  truncate(size: number): Promise<void>
  close(): Promise<void>
}
