// Stands in for the source of the keys of sessions where the controller has no Secret for them: says so once an object needs them.
import type { Log } from '#lib/log.ts';
import type { Source, SourceListener, Wanted } from '../watch/event.ts';

export class AbsentSessionKeys implements Source {
  readonly #log: Log;
  #isWanted = false;

  constructor(log: Log) {
    this.#log = log;
  }

  start(listener: SourceListener): Promise<void> {
    listener.synced();
    return Promise.resolve();
  }

  want({ SessionKeys: isWanted }: Pick<Wanted, 'SessionKeys'>): null {
    if (isWanted && !this.#isWanted)
      this.#log.warn(
        'routes or policies ask for session persistence, but proxies keep no sessions: start the controller with --session-secret',
      );
    this.#isWanted = isWanted;
    return null;
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}
