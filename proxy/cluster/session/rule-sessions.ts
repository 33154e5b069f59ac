// The sessions of a rule (GEP-1619): finds the session of a request by its token, and gives clients tokens. Nothing is stored, so sessions
// hold at all proxies with the same keys, and after restarts. Rules share no sessions, also if they share backends.
import type * as ir from '#api/ir/ir.ts';
import { murmur } from '#lib/murmur.ts';
import type { Attempt } from '../../exchange/attempt.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { addHeader, getHeader, setHeader } from '../../exchange/headers.ts';
import type { BackendPlan, UpstreamCluster } from '../../exchange/plan.ts';
import type { RuleSessions, Session } from '../../exchange/session.ts';
import { cookieValue } from '../../exchange/cookies.ts';
import { cookiePath } from './cookie-path.ts';
import type { SessionKeys } from './session-keys.ts';
import { readToken, writeToken } from './token.ts';
import type { Token } from './token.ts';

/** How sessions are kept. The same as in the IR. */
export type SessionSettings = ir.SessionPersistence;

/** The rule, as far as its sessions depend on it. */
export type SessionRule = Pick<ir.Route, 'objectKind' | 'namespace' | 'name' | 'ruleIndex' | 'ruleName' | 'matches'>;

/** The part of the idle time after which a client gets another token. */
const RENEWAL = 0.1;
const SECOND_MS = 1_000;
const DEFAULT_HEADER = 'weir-session';

/** The backends of the rule with the same settings. */
interface Group {
  readonly settings: SessionSettings;
  /** Of the cookie, or of the header in lower case. */
  readonly name: string;
  /** What tokens are valid for. */
  readonly scope: string;
  readonly backends: BackendPlan[];
}

export class KeyedSessions implements RuleSessions {
  readonly #keys: SessionKeys;
  readonly #rule: SessionRule;
  readonly #groups: Group[] = [];
  readonly #byBackend = new Map<BackendPlan, Group>();

  constructor(keys: SessionKeys, rule: SessionRule) {
    this.#keys = keys;
    this.#rule = rule;
  }

  /** Keeps sessions at the endpoints of a backend. Also of one with weight 0: it gets no new sessions. */
  add(backend: BackendPlan, settings: SessionSettings): void {
    const name = nameOf(this.#rule, settings);
    const scope = `${identityOf(this.#rule)}\0${settings.type}\0${name}`;
    let group = this.#groups.find((each) => each.scope === scope && isSame(each.settings, settings));
    if (group === undefined) this.#groups.push((group = { settings, name, scope, backends: [] }));
    group.backends.push(backend);
    this.#byBackend.set(backend, group);
  }

  get isEmpty(): boolean {
    return this.#groups.length === 0;
  }

  resume(exchange: Exchange): Session | null {
    const now = Date.now();
    for (const group of this.#groups) {
      const text = tokenIn(exchange, group);
      const token = text === null ? null : readToken(this.#keys, group.scope, text);
      const session = token === null || isOver(token, group.settings, now) ? null : this.#session(group, token, now);
      if (session !== null) return session;
    }
    return null;
  }

  answered(exchange: Exchange, { endpoint }: Attempt): void {
    const backend = exchange.backend as BackendPlan;
    const group = this.#byBackend.get(backend);
    const key = this.#keys.signer;
    if (group === undefined || key === null) return;
    const { session } = exchange;
    const continues = session !== null && session.backend === backend && session.endpoint === endpoint;
    if (continues && !session.isDue) return;
    const renewedAt = Date.now();
    const createdAt = continues ? session.createdAt : renewedAt;
    const names = { backend: key.backendName(backend.cluster as UpstreamCluster), endpoint: key.endpointName(endpoint) };
    const token = writeToken(key, group.scope, { createdAt, renewedAt, ...names });
    const { absoluteTimeout } = group.settings;
    if (group.settings.type === 'Header') setHeader(exchange.responseHeaders, group.name, token);
    else addHeader(exchange.responseHeaders, 'set-cookie', this.#cookie(exchange, group, token, createdAt + absoluteTimeout - renewedAt));
  }

  #session({ backends, settings }: Group, token: Token, now: number): Session | null {
    const { key, createdAt, renewedAt } = token;
    const backend = backends.find(({ cluster }) => cluster !== null && key.backendName(cluster) === token.backend);
    if (backend === undefined) return null;
    const isIdle = settings.idleTimeout > 0 && now - renewedAt >= settings.idleTimeout * RENEWAL;
    const endpoint = key.find((backend.cluster as UpstreamCluster).endpoints, token.endpoint);
    return { backend, endpoint, createdAt, isDue: isIdle || key !== this.#keys.signer };
  }

  /** `left`: the time until the session ends, for a permanent cookie. */
  #cookie(exchange: Exchange, { settings, name }: Group, token: string, left: number): string {
    const isPermanent = settings.permanent && settings.absoluteTimeout > 0;
    const age = isPermanent ? `; Max-Age=${Math.max(1, Math.ceil(left / SECOND_MS))}` : '';
    const secure = exchange.scheme === 'https' ? '; Secure' : '';
    return `${name}=${token}; Path=${cookiePath(this.#rule.matches, exchange.requestedPath)}${age}; HttpOnly${secure}; SameSite=Lax`;
  }
}

/** The same for all proxies, also if other rules come before the rule and it has a name. */
function identityOf({ objectKind, namespace, name, ruleIndex, ruleName }: SessionRule): string {
  return `${objectKind}/${namespace}/${name}/${ruleName === '' ? ruleIndex : `name:${ruleName}`}`;
}

/** A browser sends all cookies of a host, so rules without names of their own have different ones. */
function nameOf(rule: SessionRule, { type, name }: SessionSettings): string {
  if (type === 'Header') return name === '' ? DEFAULT_HEADER : name.toLowerCase();
  return name === '' ? `weir-${murmur(identityOf(rule), 0).toString(16).padStart(8, '0')}` : name;
}

function tokenIn({ requestHeaders }: Exchange, { settings, name }: Group): string | null {
  return settings.type === 'Header' ? getHeader(requestHeaders, name) : cookieValue(requestHeaders, name);
}

function isOver({ createdAt, renewedAt }: Token, { absoluteTimeout, idleTimeout }: SessionSettings, now: number): boolean {
  return (absoluteTimeout > 0 && now - createdAt >= absoluteTimeout) || (idleTimeout > 0 && now - renewedAt >= idleTimeout);
}

function isSame(a: SessionSettings, b: SessionSettings): boolean {
  return a.permanent === b.permanent && a.absoluteTimeout === b.absoluteTimeout && a.idleTimeout === b.idleTimeout;
}
