// The words about the beginning and the end of troubles of backends, for Events and the log.
import type { Log } from '#lib/log.ts';
import type { BackendTrouble, Trouble } from './backend-troubles.ts';

/** What to tell about a backend. */
export interface TroubleNews {
  /** `<kind>/<namespace>/<name>/<port>`. */
  readonly backend: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  /** Sentences about the backend. */
  readonly message: string;
  /** Equal for news that differ only in numbers of proxies. */
  readonly identity: string;
}

/** Endpoints that a message names. */
const MAX_NAMES = 3;

const REASONS: Readonly<Record<Trouble, { readonly begun: string; readonly ended: string }>> = {
  ejected: { begun: 'EndpointsEjected', ended: 'EndpointsReturned' },
  open: { begun: 'BreakerOpened', ended: 'BreakerClosed' },
  unhealthy: { begun: 'NoHealthyEndpoint', ended: 'HealthyEndpoints' },
};

const ENDS: Readonly<Record<Trouble, string>> = {
  ejected: 'no endpoint is ejected any more',
  open: 'all circuit breakers are closed again',
  unhealthy: 'each proxy has a healthy endpoint again',
};

/** Writes news to the log. */
export function logNews(log: Log, { backend, type, reason, message }: TroubleNews): void {
  log[type === 'Warning' ? 'warn' : 'info']({ backend, reason }, message);
}

/** A trouble that has begun, or has more endpoints than before. */
export function beginningOf(found: BackendTrouble): TroubleNews {
  const { backend, trouble, endpoints } = found;
  const reason = REASONS[trouble].begun;
  const identity = `${backend} ${reason} ${[...endpoints].toSorted().join(' ')}`;
  return { backend, type: 'Warning', reason, message: `${textOf(found)}; weir status shows more`, identity };
}

/** A trouble that has ended. */
export function endOf(backend: string, trouble: Trouble): TroubleNews {
  const reason = REASONS[trouble].ended;
  return { backend, type: 'Normal', reason, message: ENDS[trouble], identity: `${backend} ${reason}` };
}

function textOf({ trouble, endpoints, total, proxies }: BackendTrouble): string {
  const at = proxies.size === 1 ? `proxy ${[...proxies].join('')}` : `${proxies.size} proxies`;
  const names = namesOf([...endpoints].filter((name) => name !== ''));
  const verb = endpoints.size === 1 ? 'is' : 'are';
  switch (trouble) {
    case 'ejected':
      return `${names} ${verb} ejected at ${at}, because requests fail: ${endpoints.size} of ${total} endpoints`;
    case 'open':
      if (endpoints.has('')) return `the circuit breaker is open at ${at}: requests are refused`;
      return `the circuit breaker of ${names} is open at ${at}: other endpoints get the requests`;
    case 'unhealthy':
      return `${total === 1 ? 'its only endpoint is not healthy' : `none of its ${total} endpoints is healthy`} at ${at}`;
  }
}

function namesOf(names: readonly string[]): string {
  const first = names.toSorted().slice(0, MAX_NAMES);
  const more = names.length - first.length;
  if (more > 0) return `${first.join(', ')} and ${more} more`;
  return first.length < 2 ? first.join('') : `${first.slice(0, -1).join(', ')} and ${first.at(-1)}`;
}
