// The sessions of users by which exchanges of a worker were let through. A logout anywhere ends what stays open by the session.

/** Tells others that a session has ended: the other workers, and the other proxies if they share Redis. */
export type TellEnd = (session: string) => void;

export class OpenSessions {
  readonly #watches = new Map<string, Set<() => void>>();
  readonly #tell: TellEnd;
  readonly #followed: () => void;
  #isFollowed = false;

  /** `followed`: a policy has sessions, so that logouts at other proxies count from now on. */
  constructor(tell: TellEnd, followed: () => void) {
    this.#tell = tell;
    this.#followed = followed;
  }

  follow(): void {
    if (this.#isFollowed) return;
    this.#isFollowed = true;
    this.#followed();
  }

  /** The sessions that are watched. */
  get names(): readonly string[] {
    return [...this.#watches.keys()];
  }

  /** Calls the listener once the session ends, until the result is called. */
  watch(session: string, ended: () => void): () => void {
    const watches = this.#watches.get(session) ?? new Set();
    this.#watches.set(session, watches.add(ended));
    return () => {
      watches.delete(ended);
      if (watches.size === 0 && this.#watches.get(session) === watches) this.#watches.delete(session);
    };
  }

  /** A session ends here. */
  end(session: string): void {
    this.ended(session);
    this.#tell(session);
  }

  /** A session has ended elsewhere. */
  ended(session: string): void {
    for (const ended of [...(this.#watches.get(session) ?? [])]) ended();
  }
}
