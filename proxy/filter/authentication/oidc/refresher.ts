// Refreshes of tokens: one at a time for each refresh token, since many providers accept a token only once. Requests that come a moment
// later with the former cookie get the same result.
import { createHash } from 'node:crypto';

/** How long browsers may still send the former cookie. */
const KEPT_MS = 30_000;
/** After a failure of the provider the session goes on without another attempt for so long. */
const FAILED_MS = 5_000;
const MAX_KEPT = 10_000;

interface Flight<T> {
  readonly result: Promise<T>;
  /** performance.now(); Infinity while it is under way. */
  until: number;
}

export class Refresher<T> {
  /** By the digest of the refresh token, oldest first. */
  readonly #flights = new Map<string, Flight<T>>();

  /** The result of a refresh with this token: of one under way, of a recent one, or of a new one. `failed`: it is worth another attempt. */
  refresh(refreshToken: string, attempt: () => Promise<T>, failed: (result: T) => boolean): Promise<T> {
    const key = createHash('sha256').update(refreshToken).digest('base64url');
    const known = this.#flights.get(key);
    if (known !== undefined && known.until > performance.now()) return known.result;
    this.#flights.delete(key);
    const flight: Flight<T> = { result: attempt(), until: Number.POSITIVE_INFINITY };
    this.#flights.set(key, flight);
    this.#bound();
    const land = (kept: number): void => void (flight.until = performance.now() + kept);
    // A rejection is a bug, which its callers meet.
    flight.result.then(
      (result) => land(failed(result) ? FAILED_MS : KEPT_MS),
      () => land(0),
    );
    return flight.result;
  }

  #bound(): void {
    const now = performance.now();
    for (const [key, { until }] of this.#flights) {
      if (until > now && this.#flights.size <= MAX_KEPT) return;
      this.#flights.delete(key);
    }
  }
}
