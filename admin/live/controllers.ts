// The controllers of a cluster. One that is connected answers for all; a question, which changes nothing, goes to the next one if that one
// is lost before its answer begins.
import type { TlsFiles } from '#api/wire/credentials.ts';
import type { Log } from '#lib/log.ts';
import { err, type Result } from '#lib/result.ts';
import { ControllerLink } from './controller-link.ts';
import type { LinkOptions } from './controller-link.ts';
import type { ControllerState, Live, LiveAnswer, LiveCall, LiveFault } from './live.ts';

export interface ControllersOptions extends Pick<LinkOptions, 'backoff'> {
  /** `host:port` of each. */
  readonly addresses: readonly string[];
  readonly tls: TlsFiles;
  /** The name in their certificates; '' for the host of each address. */
  readonly serverName: string;
  readonly log: Log;
}

/** How long a call waits for the first connection after the start, milliseconds. */
const FIRST_MS = 2_000;

/** Another controller may answer. */
const ELSEWHERE: ReadonlySet<LiveFault['code']> = new Set(['controllers-away', 'controller-busy', 'operation-unknown']);

export class Controllers implements Live {
  readonly #links: readonly ControllerLink[];
  /** Resolves once one is connected, or a connection to each has failed. */
  readonly #tried = Promise.withResolvers<void>();

  constructor({ addresses, ...rest }: ControllersOptions) {
    const changed = (): void => this.#look();
    this.#links = addresses.map((address) => new ControllerLink({ ...rest, address, changed }));
    // Without any there is nothing to wait for.
    this.#look();
  }

  start(): void {
    for (const link of this.#links) link.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.stop()));
    this.#tried.resolve();
  }

  states(): readonly ControllerState[] {
    return this.#links.map(({ state }) => state);
  }

  async call(call: LiveCall): Promise<Result<LiveAnswer, LiveFault>> {
    await this.#first();
    let last: Result<LiveAnswer, LiveFault> | null = null;
    for (const link of this.#links) {
      const answer = await link.call(call);
      if (answer === null) continue;
      if (answer.ok || !isForNext(call, answer.error)) return answer;
      last = answer;
    }
    return last ?? err({ code: 'controllers-away', reason: this.#reason() });
  }

  #look(): void {
    if (this.#links.some(({ state }) => state.connected) || this.#links.every(({ wasTried }) => wasTried)) this.#tried.resolve();
  }

  /** Only at the start there is nothing to tell yet. */
  async #first(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const late = setTimeout(resolve, FIRST_MS);
    await Promise.race([this.#tried.promise, promise]);
    clearTimeout(late);
  }

  #reason(): string {
    const reasons = this.states().map(({ address, lastError }) => `${address}: ${lastError || 'not connected yet'}`);
    return reasons.length === 0 ? 'no controller is configured' : reasons.join('; ');
  }
}

/** A change may have happened although its answer is lost. */
function isForNext({ operation, signal }: LiveCall, { code }: LiveFault): boolean {
  const hasRun = code === 'controllers-away' && !operation.startsWith('GET ');
  return !hasRun && !signal.aborted && ELSEWHERE.has(code);
}
