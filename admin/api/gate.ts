// The checks of a request before its body is read: host, origin, rate of its address, credentials, rate of its caller, permission.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { err, ok, type Result } from '#lib/result.ts';
import type { Authenticated, Authenticator } from './authenticator.ts';
import { cookieIn } from './cookies.ts';
import type { AdminOperation, Caller } from './operation.ts';
import { hostTrouble, isChange, isForeign, isOwnPage } from './origin.ts';
import { refuse, type AdminProblem } from './problem.ts';
import { RequestRates, sourceOf, type RequestRate } from './rates.ts';

/** The head of a request. */
export interface RequestHead {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** The IP address of the caller. */
  readonly address: string;
}

export interface GateOptions {
  readonly authenticator: Authenticator;
  /** The server is on loopback, where only names of loopback are valid hosts. */
  readonly isLoopback: boolean;
  /** Cookies need TLS between browser and server. */
  readonly isSecure: boolean;
  readonly addressRate: RequestRate;
  readonly callerRate: RequestRate;
}

/** A request without credentials. */
const ANONYMOUS = { kind: 'anonymous', id: '', name: '', session: null, may: () => false, mayAnywhere: () => false } as const;

/** A header is cut at this length for logs and the audit log. */
const MAX_AGENT = 256;

export class Gate {
  readonly #options: GateOptions;
  readonly #addresses: RequestRates;
  readonly #callers: RequestRates;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#addresses = new RequestRates(options.addressRate);
    this.#callers = new RequestRates(options.callerRate);
  }

  /** Checks that cost nothing, for every request, also of paths that do not exist. Null: it may go on. */
  refuseHead({ method, headers, address }: RequestHead): AdminProblem | null {
    const wait = this.#addresses.take(sourceOf(address));
    if (wait > 0) return tooMany('rate-of-address', 'too many requests come from this address', wait);
    const trouble = hostTrouble(headers, this.#options.isLoopback);
    if (trouble !== null) return problem(403, 'foreign-host', trouble);
    return isChange(method) && isForeign(headers) ? problem(403, 'foreign-origin', 'pages of other sites may not change anything') : null;
  }

  /** The caller of an operation, if it has credentials and the permission in a namespace at least. */
  async admit(
    head: RequestHead,
    operation: AdminOperation,
  ): Promise<Result<Caller, { readonly problem: AdminProblem; readonly caller: Caller }>> {
    const anonymous = { ...ANONYMOUS, address: head.address };
    const isOpen = operation.permission === null && operation.needsLogin !== true;
    if (isOpen) return ok(anonymous);
    const authenticated = await this.#authenticate(head);
    if (!authenticated.ok) return err({ problem: authenticated.error, caller: anonymous });
    const { caller } = authenticated.value;
    const wait = this.#callers.take(`${caller.kind} ${caller.id}`);
    if (wait > 0) return err({ problem: tooMany('rate-of-caller', 'this caller sends too many requests', wait), caller });
    const { permission } = operation;
    return permission === null || caller.mayAnywhere(permission) ? ok(caller) : err({ problem: forbidden(operation, null), caller });
  }

  async #authenticate({ method, headers, address }: RequestHead): Promise<Result<Authenticated, AdminProblem>> {
    const result = await this.#options.authenticator.authenticate({
      authorization: headers.authorization ?? null,
      address,
      userAgent: userAgentOf(headers),
      cookie: (name) => cookieIn(headers.cookie, name, this.#options.isSecure),
    });
    if (!result.ok) return result;
    if (result.value === null) return refuse(401, 'credentials-needed', 'send an API token as Authorization: Bearer TOKEN, or log in');
    const { csrfToken } = result.value;
    if (csrfToken === null) return ok(result.value);
    const trouble = pageTrouble(method, headers, csrfToken);
    return trouble === null ? ok(result.value) : err(trouble);
  }
}

/** A browser adds a cookie to requests that its user did not mean: only a page of this server, which has the token, may use it. */
function pageTrouble(method: string, headers: IncomingHttpHeaders, csrfToken: string): AdminProblem | null {
  if (isForeign(headers)) return problem(403, 'foreign-origin', 'a session is for pages of this server only');
  if (!isChange(method)) return null;
  if (!isOwnPage(headers)) return problem(403, 'origin-needed', 'a session needs the header Origin or Sec-Fetch-Site for a change');
  const given = headers['weir-csrf-token'];
  return typeof given === 'string' && isSame(given, csrfToken)
    ? null
    : problem(403, 'csrf-token-needed', 'a session needs its token in the header Weir-CSRF-Token for a change');
}

/** Compares hashes: they have equal lengths, and the comparison takes constant time. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** The header User-Agent without characters that do not print, cut. */
export function userAgentOf(headers: IncomingHttpHeaders): string {
  return (headers['user-agent'] ?? '').replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_AGENT);
}

/** The refusal of a caller without the permission of an operation. */
export function forbidden({ permission }: AdminOperation, namespace: string | null): AdminProblem {
  const where = namespace === null ? '' : ` in namespace ${JSON.stringify(namespace)}`;
  return problem(403, 'permission-needed', `this needs the permission ${String(permission)}${where}`);
}

function problem(status: AdminProblem['status'], code: string, detail: string): AdminProblem {
  return { status, code, detail };
}

function tooMany(code: string, detail: string, waitMs: number): AdminProblem {
  return { status: 429, code, detail, retryAfter: Math.ceil(waitMs / 1_000) };
}
