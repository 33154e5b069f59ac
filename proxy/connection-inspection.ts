// What operators see of the open connections of a worker, and the close of some of them.
import { MAX_LISTED_TOPICS, MAX_NAME } from '#api/wire/telemetry-limits.ts';
import type { ConnectionFilter, ConnectionLine } from '#api/wire/open-connections.ts';
import { parseAddressRange } from '#lib/address-range.ts';
import { AddressRanges } from '#lib/address-ranges.ts';
import { canonicalAddress } from '#lib/ip-address.ts';
import { packLines } from '#lib/json-lines.ts';
import { ok } from '#lib/result.ts';
import { closedByOperator, type ExchangeError } from './exchange/errors.ts';
import type { Attempt } from './exchange/attempt.ts';
import type { Exchange } from './exchange/exchange.ts';
import type { LocalStream } from './exchange/local-stream.ts';
import type { OpenConnection, OpenConnections } from './exchange/open-connections.ts';
import type { Principal } from './exchange/principal.ts';
import type { SecurityEvents } from './exchange/security-events.ts';
import { PART_BYTES } from './inspection/inspection.ts';
import type { CloseConnectionsInspection, ConnectionsInspection, Inspected, Inspecting } from './inspection/inspection.ts';
import { isOfRoute } from './inspection/route-filter.ts';

/** Other work goes on after so many. */
const CLOSED_PER_TURN = 200;

/** What these inspections use of a worker. */
export interface ConnectionParts {
  readonly connections: OpenConnections;
  readonly security: SecurityEvents;
  readonly end: (exchange: Exchange, error: ExchangeError) => void;
}

/** Lists or closes connections. */
export function inspectConnections(
  inspection: ConnectionsInspection | CloseConnectionsInspection,
  inspecting: Inspecting,
  parts: ConnectionParts,
): Promise<Inspected> {
  return inspection.kind === 'connections' ? list(inspection, inspecting, parts) : close(inspection, inspecting, parts);
}

async function list({ filter, top }: ConnectionsInspection, { part }: Inspecting, { connections }: ConnectionParts): Promise<Inspected> {
  const isMeant = matcherOf(filter);
  const found: ConnectionLine[] = [];
  let dropped = 0;
  for (const each of connections.all()) {
    if (!isMeant(each)) continue;
    if (found.length < top) found.push(lineOf(each));
    else dropped++;
  }
  for (const lines of packLines(found, PART_BYTES)) await part(lines);
  return ok({ dropped });
}

async function close(
  { filter, code, reason }: CloseConnectionsInspection,
  { part, signal }: Inspecting,
  { connections, security, end }: ConnectionParts,
): Promise<Inspected> {
  const error = closedByOperator(code, reason);
  const meant = [...connections.all()].filter(matcherOf(filter));
  let count = 0;
  for (const { exchange } of meant) {
    if (signal.aborted) break;
    if (exchange.phase === 'done') continue;
    security.emit('connection_closed', exchange, {
      reason: 'an operator closes the connection',
      ...(reason === '' ? {} : { note: reason }),
    });
    end(exchange, error);
    if (++count % CLOSED_PER_TURN === 0) await new Promise((resolve) => void setImmediate(resolve));
  }
  for (const lines of packLines([count], PART_BYTES)) await part(lines);
  return ok({ dropped: 0 });
}

/** Whether a connection is meant. A source that is no address means none. */
function matcherOf({ id, route, principal, source, kind }: ConnectionFilter): (connection: OpenConnection) => boolean {
  const ranges = AddressRanges.of(rangesOf(source));
  const fits: ((connection: OpenConnection) => boolean)[] = [];
  if (id !== '') fits.push((each) => each.id === id);
  if (kind !== '') fits.push((each) => each.kind === kind);
  if (route !== '') fits.push(({ exchange }) => isOfRoute(exchange.route?.key ?? '', route));
  if (principal !== '') fits.push(({ exchange }) => isOfCaller(exchange.principal, principal));
  if (source !== '') fits.push(({ exchange }) => ranges.includes(exchange.clientAddress));
  return (each) => fits.every((fit) => fit(each));
}

function isOfCaller(principal: Principal | null, wanted: string): boolean {
  return principal !== null && (principal.id === wanted || principal.consumer === wanted);
}

function rangesOf(source: string): Parameters<typeof AddressRanges.of>[0] {
  const address = canonicalAddress(source);
  const range = parseAddressRange(address === '' ? source : `${address}/${address.includes(':') ? 128 : 32}`);
  return range.ok ? [range.value] : [];
}

function lineOf({ id, kind, since, exchange }: OpenConnection): ConnectionLine {
  return {
    ...{ id, kind, since },
    route: named(exchange.route?.key ?? ''),
    listener: named(exchange.listener),
    ...callerOf(exchange),
    ...{ host: named(exchange.host), path: named(exchange.path), protocol: exchange.connection.protocol },
    endpoint: exchange.attempt === null ? '' : named(endpointOf(exchange.attempt)),
    ...{ bytesIn: exchange.requestBytes, bytesOut: exchange.responseBytes },
    messagesIn: exchange.webSocket?.received ?? 0,
    messagesOut: (exchange.webSocket ?? exchange.localStream)?.sent ?? 0,
    ...ofHub(exchange.localStream),
  };
}

function callerOf({ clientAddress, principal }: Exchange): Pick<ConnectionLine, 'source' | 'principal' | 'consumer'> {
  return { source: clientAddress, principal: named(principal?.id ?? ''), consumer: named(principal?.consumer ?? '') };
}

function endpointOf({ endpoint: { address, port } }: Attempt): string {
  return `${address}:${port}`;
}

function ofHub(stream: LocalStream | null): Pick<ConnectionLine, 'waiting' | 'topics' | 'moreTopics'> {
  const topics = [...(stream?.topics ?? [])];
  return {
    waiting: stream?.waitingBytes ?? 0,
    topics: topics.slice(0, MAX_LISTED_TOPICS).map(named),
    moreTopics: Math.max(0, topics.length - MAX_LISTED_TOPICS),
  };
}

function named(text: string): string {
  return text.slice(0, MAX_NAME);
}
