// Topics for clients (`hub` of an HTTPPolicy): the filter answers requests in place of a backend, with WebSockets, event streams, and the
// results of publications.
import { randomBytes } from 'node:crypto';
import { acceptFor, keyOf } from '../../codec/websocket/accept.ts';
import { ERRORS, withDetail } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { getHeader, joinHeader, type Headers } from '../../exchange/headers.ts';
import type { HubCount } from '../../exchange/hub-counts.ts';
import { refuse, reply } from '../../exchange/local-reply.ts';
import type { FilterVerdict } from '../../exchange/plan.ts';
import type { SecurityEventName } from '../../exchange/security-events.ts';
import { Slot } from '../../exchange/slot.ts';
import { UNKNOWN_LENGTH } from '../../exchange/stream.ts';
import type { HubTopics } from '../../exchange/topics.ts';
import { requestFacts } from '../facts.ts';
import type { Filter, FilterKind } from '../filter.ts';
import { isOwn, onlyLine } from '../page-origin.ts';
import type { PolicyFilterContext } from '../rule-policies.ts';
import { EventStream } from './event-stream.ts';
import { HubConnections } from './hub-connections.ts';
import { hubPlan, type HubPlan, type HubSettings } from './hub-plan.ts';
import type { HubSide } from './membership.ts';
import { publishedData } from './published-data.ts';
import { SUBPROTOCOL } from './server-message.ts';
import { queryTopics, requestTopics } from './topic-name.ts';
import { HubWebSocket } from './web-socket.ts';

type Connection = HubWebSocket | EventStream;
const CONNECTION = new Slot<Connection>();

class Hub implements Filter, HubSide {
  readonly name = 'hub';
  readonly plan: HubPlan;
  readonly topics: HubTopics;
  readonly counts: HubCount;
  readonly #policy: string;
  readonly #context: PolicyFilterContext;
  readonly #connections: HubConnections;

  constructor(settings: HubSettings, policy: string, context: PolicyFilterContext) {
    this.plan = hubPlan(settings, policy);
    this.topics = context.topics.hub(this.plan.terms);
    this.counts = context.hubs.of(this.plan.terms.name);
    this.#policy = policy;
    this.#context = context;
    this.#connections = new HubConnections(this.plan);
  }

  request(exchange: Exchange): FilterVerdict | Promise<FilterVerdict> {
    if (exchange.grpc) return refuse(exchange, ERRORS.answerNotGrpc);
    if (exchange.upgrade === 'websocket') return this.#open(exchange);
    if (exchange.method === 'GET') return this.#stream(exchange);
    if (exchange.method === 'POST') return this.#publish(exchange);
    refuse(exchange, ERRORS.hubMethodRefused);
    exchange.responseHeaders.push('allow', 'GET, POST');
    return 'answered';
  }

  ended(exchange: Exchange): void {
    const connection = CONNECTION.get(exchange);
    if (connection === null || !this.#connections.delete(connection)) return;
    connection.membership.close();
    this.counts[connection instanceof HubWebSocket ? 'webSockets' : 'eventStreams']--;
  }

  /** Other settings replace these: clients come back and meet them. */
  dispose(): void {
    this.#connections.close((connection) => connection.membership.fail(ERRORS.connectionCut));
  }

  mayUse(exchange: Exchange, action: 'subscribe' | 'publish', topic: string): boolean {
    const rule = this.plan[action];
    const allowed = typeof rule === 'boolean' ? rule : holds(rule.evaluate({ ...requestFacts(exchange), topic }));
    if (allowed) return true;
    this.counts.denied++;
    this.#tell('access_denied', exchange, `the hub does not let the caller ${action}`);
    return false;
  }

  #tell(name: SecurityEventName, exchange: Exchange, reason: string): void {
    this.#context.security.emit(name, exchange, { policy: this.#policy, rule: 'hub', reason });
  }

  /** Pages of other sites may not act in the name of a user of the browser (cross-site WebSocket hijacking). */
  #isForeign(exchange: Exchange): boolean {
    const origin = onlyLine(exchange.requestHeaders, 'origin');
    if (origin === '' || (origin !== null && (isOwn(exchange, origin) || this.plan.origins.has(origin)))) return false;
    this.#tell('csrf_refused', exchange, 'another page');
    return true;
  }

  #open(exchange: Exchange): FilterVerdict {
    if (this.#isForeign(exchange)) return refuse(exchange, ERRORS.csrfRefused);
    const topics = queryTopics(exchange);
    if (!topics.ok) return refuse(exchange, withDetail(ERRORS.hubRequestMalformed, topics.error));
    const offered = (joinHeader(exchange.requestHeaders, 'sec-websocket-protocol') ?? '').split(',').map((name) => name.trim());
    if (offered[0] !== '' && !offered.includes(SUBPROTOCOL)) {
      return refuse(exchange, withDetail(ERRORS.hubRequestMalformed, `the client does not offer the protocol ${SUBPROTOCOL}`));
    }
    const headers = handshake(exchange);
    if (headers === null) return refuse(exchange, withDetail(ERRORS.hubRequestMalformed, 'the handshake has no valid key or version'));
    if (offered.includes(SUBPROTOCOL)) headers.push('sec-websocket-protocol', SUBPROTOCOL);
    return this.#begin(exchange, new HubWebSocket(exchange, this, topics.value), 101, headers);
  }

  #stream(exchange: Exchange): FilterVerdict {
    const topics = requestTopics(exchange);
    if (!topics.ok) return refuse(exchange, withDetail(ERRORS.hubRequestMalformed, topics.error));
    if (topics.value.length > this.plan.maxSubscriptions) return refuse(exchange, ERRORS.hubRequestMalformed);
    if (!topics.value.every((topic) => this.mayUse(exchange, 'subscribe', topic))) return this.#deny(exchange);
    const watches = new URLSearchParams(exchange.query).get('presence') === 'true';
    if (watches && !this.plan.presence) return refuse(exchange, withDetail(ERRORS.hubRequestMalformed, 'the hub has no presence'));
    const headers = ['content-type', 'text/event-stream', 'cache-control', 'no-store', 'x-accel-buffering', 'no'];
    return this.#begin(exchange, new EventStream(exchange, this, topics.value, watches), 200, headers);
  }

  #deny(exchange: Exchange): FilterVerdict {
    return refuse(exchange, withDetail(ERRORS.accessDenied, `hub of ${this.#policy}`));
  }

  #begin(exchange: Exchange, connection: Connection, status: number, headers: Headers): FilterVerdict {
    if (!this.#connections.add(connection))
      return refuse(exchange, withDetail(ERRORS.overloaded, `maxConnections of hub of ${this.#policy}`));
    this.counts[connection instanceof HubWebSocket ? 'webSockets' : 'eventStreams']++;
    CONNECTION.set(exchange, connection);
    reply(exchange, status, headers, null);
    exchange.responseLength = UNKNOWN_LENGTH;
    exchange.localStream = connection;
    return 'answered';
  }

  #publish(exchange: Exchange): FilterVerdict | Promise<FilterVerdict> {
    if (this.#isForeign(exchange)) return refuse(exchange, ERRORS.csrfRefused);
    const topics = requestTopics(exchange);
    if (!topics.ok) return refuse(exchange, withDetail(ERRORS.hubRequestMalformed, topics.error));
    const [topic = '', ...others] = topics.value;
    if (others.length > 0) return refuse(exchange, withDetail(ERRORS.hubRequestMalformed, 'a message has one topic'));
    return this.mayUse(exchange, 'publish', topic) ? this.#take(exchange, topic) : this.#deny(exchange);
  }

  async #take(exchange: Exchange, topic: string): Promise<FilterVerdict> {
    const { signal } = exchange;
    const body = await this.#context.wholeBody(exchange, this.plan.maxMessageSize);
    if (signal.aborted) return 'answered';
    if (body === null) {
      this.#tell('body_refused', exchange, 'the message is too large');
      return refuse(exchange, ERRORS.requestBodyTooLarge);
    }
    const data = publishedData(getHeader(exchange.requestHeaders, 'content-type') ?? '', body);
    if (data === null) return refuse(exchange, ERRORS.hubMessageMalformed);
    const id = await this.topics.publish(topic, data);
    if (signal.aborted) return 'answered';
    if (!id.ok) return refuse(exchange, withDetail(ERRORS.hubUnavailable, id.error));
    this.counts.published++;
    const answer = Buffer.from(`${JSON.stringify({ topic, id: id.value })}\n`);
    reply(exchange, 200, ['content-type', 'application/json', 'cache-control', 'no-store'], answer);
    return 'answered';
  }
}

/** An expression without a value allows nothing. */
function holds(value: { readonly ok: boolean; readonly value?: unknown }): boolean {
  return value.ok && value.value === true;
}

/** The headers that accept a WebSocket; null: the handshake is not valid. Over HTTP/2 there is no key (RFC 8441 section 5). */
function handshake(exchange: Exchange): Headers | null {
  const { requestHeaders } = exchange;
  if (exchange.version === 20) return ['sec-websocket-accept', acceptFor(randomBytes(16).toString('base64'))];
  const key = keyOf(requestHeaders);
  if (key === null || getHeader(requestHeaders, 'sec-websocket-version') !== '13') return null;
  return ['sec-websocket-accept', acceptFor(key)];
}

export const hub: FilterKind = {
  name: 'hub',
  ofPolicies: (policies) => {
    if (policies.settings('HTTPPolicy').settings.hub?.mode === 'Disabled') return null;
    return policies.filterOf('HTTPPolicy', ['hub'], ({ hub: settings = {} }, context) => {
      return new Hub(settings, context.origins[0]?.policy ?? '', context);
    });
  },
};
