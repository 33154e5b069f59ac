// A session: requests of one client that go to one endpoint (GEP-1619). The client brings a token, which only proxies of the fleet can make.
import type { Attempt } from './attempt.ts';
import type { Exchange } from './exchange.ts';
import type { BackendPlan, UpstreamEndpoint } from './plan.ts';

/** The session that a request names with a valid token. */
export interface Session {
  /** The backend to which its earlier requests went. */
  readonly backend: BackendPlan;
  /** The endpoint of this backend; null if it is gone. */
  readonly endpoint: UpstreamEndpoint | null;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** The client needs another token, though the session stays the same. */
  readonly isDue: boolean;
}

/** The sessions of a rule. */
export interface RuleSessions {
  /** The session of a request; null without a valid token. */
  resume(exchange: Exchange): Session | null;
  /** The head of the answer came: adds a token if the session is new, has another endpoint now, or needs another token. */
  answered(exchange: Exchange, attempt: Attempt): void;
}
