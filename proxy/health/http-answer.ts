// Decides about the answer to an HTTP check, of either version of HTTP, as its parts arrive.
import { joinAddress } from '#lib/host-port.ts';
import type { HttpCheck, ProbeTarget } from '../exchange/probe-target.ts';
import { BodySearch } from './body-search.ts';
import type { Settle } from './outcome.ts';

export class HttpAnswer {
  readonly #check: HttpCheck;
  readonly #settle: Settle;
  readonly #search: BodySearch | null;

  constructor(check: HttpCheck, settle: Settle) {
    this.#check = check;
    this.#settle = settle;
    this.#search = check.body === null ? null : new BodySearch(check.body);
  }

  /** Takes the final status. The probe ends here unless the check expects a body. */
  status(status: number): void {
    if (!this.#check.statuses.some(([first, last]) => first <= status && status <= last)) {
      this.#settle({ fault: 'status', detail: String(status) });
    } else if (this.#search === null) this.#settle(null);
  }

  data(chunk: Uint8Array): void {
    this.#found(this.#search?.take(chunk));
  }

  end(): void {
    this.#found(this.#search?.end());
  }

  #found(found: ReturnType<BodySearch['take']> | undefined): void {
    if (found === 'found') this.#settle(null);
    if (found === 'missing') this.#settle({ fault: 'body', detail: 'the expected content is not in the body' });
  }
}

/** The authority of a request to a target. */
export function authorityOf({ address, port, tls }: Pick<ProbeTarget, 'address' | 'port' | 'tls'>, host: string | null): string {
  if (host !== null) return host;
  if (tls !== null) return tls.serverName;
  return joinAddress(address, port);
}

/** The headers that every HTTP check sends, unless its own headers have them. */
export const USUAL_HEADERS: readonly (readonly [string, string])[] = [
  ['user-agent', 'weir-health-check'],
  ['accept', '*/*'],
];

/** The headers of the check with the usual ones. */
export function headersOf({ headers }: HttpCheck): readonly (readonly [string, string])[] {
  return [...USUAL_HEADERS.filter(([name]) => !headers.some(([own]) => own === name)), ...headers];
}
