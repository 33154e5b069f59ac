// Explains where a connection goes: every stream route of its port, with the reason why it lost. It uses the table that routes the traffic;
// the result is plain data for JSON.
import type { Listener, StreamBackend, StreamRoute } from '#api/ir/ir.ts';
import { compareText } from '#lib/compare-text.ts';
import { comparePatterns, coversHost } from './hostname.ts';
import { ListenerIndex } from './listener-index.ts';
import { compareRules } from './rule-order.ts';
import { StreamTable } from './stream-table.ts';

/** The properties of a connection before its route is known. */
export type StreamProtocol = 'TCP' | 'TLS' | 'UDP';

/** A connection, or all datagrams of one peer to a UDP listener. */
export interface StreamRequest {
  readonly protocol: StreamProtocol;
  readonly port: number;
  /** The server name of the TLS handshake; '' if absent. */
  readonly serverName: string;
}

/** A route under one of its server names on one listener. A null `loss` is the winner. */
export interface ConsideredStream {
  readonly routeKey: string;
  readonly listener: string;
  /** '': any host. */
  readonly hostname: string;
  readonly loss: string | null;
}

/** The listeners that the connection may belong to. */
export interface StreamListeners {
  /** Keys; empty if no listener accepts the connection. */
  readonly listeners: readonly string[];
  readonly reason: string;
}

/** The winner, with its route for the backends. */
export interface StreamWinner {
  readonly route: StreamRoute;
  readonly listener: string;
}

/** The complete explanation; `considered` has the winner first, then the routes that lost, the last step of the search first. */
export interface StreamExplanation {
  readonly request: StreamRequest;
  readonly listener: StreamListeners;
  readonly considered: readonly ConsideredStream[];
  readonly winner: StreamWinner | null;
}

/** `served`, `unserved`: the listeners of the port for this kind of connection. */
export function explainStream(
  request: StreamRequest,
  { served, unserved }: { readonly served: readonly Listener[]; readonly unserved: readonly Listener[] },
  routes: readonly StreamRoute[],
): StreamExplanation {
  const listener = listenersOf(request, served, unserved);
  const winner = StreamTable.build(routes).find(listener.listeners, request.serverName);
  const onPort = new Set([...served, ...unserved].map(({ key }) => key));
  const contenders = routes.flatMap((route) =>
    route.attachments
      .filter((attachment) => onPort.has(attachment.listener))
      .flatMap(({ listener: key, hostnames }) => hostnames.map((hostname) => ({ route, listener: key, hostname }))),
  );
  const judged = contenders.map((contender) => ({ contender, ...judge(contender, request, listener.listeners, winner) }));
  judged.sort((a, b) => a.rank - b.rank || comparePatterns(a.contender.hostname, b.contender.hostname) || byRules(a, b));
  return {
    request,
    listener,
    considered: judged.map(({ contender, loss }) => ({
      routeKey: contender.route.key,
      listener: contender.listener,
      hostname: contender.hostname,
      loss,
    })),
    winner,
  };
}

/** A route under one of its host names on one listener. */
interface Contender {
  readonly route: StreamRoute;
  readonly listener: string;
  readonly hostname: string;
}

/** The reason why it lost, and the step: 0 is the winner. */
interface Judged {
  readonly loss: string | null;
  readonly rank: number;
}

function byRules(a: { readonly contender: Contender }, b: { readonly contender: Contender }): number {
  return compareRules(a.contender.route, b.contender.route) || compareText(a.contender.listener, b.contender.listener);
}

/** Without a handshake every listener of the port may own the connection; with one, only those with the most specific host name. */
function listenersOf(
  { protocol, port, serverName }: StreamRequest,
  served: readonly Listener[],
  unserved: readonly Listener[],
): StreamListeners {
  if (protocol !== 'TLS') {
    const listeners = served.map(({ key }) => key);
    if (listeners.length > 0) return { listeners, reason: `has port ${port} of ${protocol}` };
    return { listeners, reason: unserved.map(describeUnserved).join(' and ') };
  }
  const name = serverName === '' ? 'a handshake without a server name' : JSON.stringify(serverName);
  const group = ListenerIndex.EMPTY.with([...served, ...unserved], []).owner(serverName);
  if (group === null) return { listeners: [], reason: `no listener has a host name that covers ${name}` };
  const covers = `${JSON.stringify(group.hostname)} covers ${name}`;
  if (group.listeners.length > 0)
    return { listeners: group.listeners, reason: `${covers}, and no other listener host name does so closer` };
  const reasons = group.unserved.map(({ key, reason }) => `listener ${key} cannot be served (${reason})`);
  return { listeners: [], reason: `${covers}, but ${reasons.join(' and ')}` };
}

function describeUnserved({ key, unserved = '' }: Listener): string {
  return `listener ${key} cannot be served (${unserved})`;
}

function judge(contender: Contender, { serverName }: StreamRequest, listeners: readonly string[], winner: StreamWinner | null): Judged {
  const { route, listener, hostname } = contender;
  if (!listeners.includes(listener)) return { loss: `listener ${listener} does not get the connection`, rank: 3 };
  if (!coversHost(hostname, serverName)) return { loss: `server name: wanted ${JSON.stringify(hostname)}`, rank: 2 };
  if (winner === null || (winner.route === route && winner.listener === listener)) return { loss: null, rank: 0 };
  return { loss: whyBefore(winner, contender, serverName), rank: 1 };
}

function whyBefore({ route, listener }: StreamWinner, loser: Contender, serverName: string): string {
  const owned = route.attachments.filter((attachment) => attachment.listener === listener).flatMap(({ hostnames }) => hostnames);
  const [closest = ''] = owned.filter((hostname) => coversHost(hostname, serverName)).sort(comparePatterns);
  if (closest !== loser.hostname) return `server name ${JSON.stringify(closest)} is more specific than ${JSON.stringify(loser.hostname)}`;
  if (route === loser.route) return `listener ${listener} comes first`;
  if (route.createdAt !== loser.route.createdAt) return `${route.key} is older`;
  const isSameObject =
    route.namespace === loser.route.namespace && route.name === loser.route.name && route.objectKind === loser.route.objectKind;
  return isSameObject ? `rule ${route.ruleIndex} of the same route comes first` : `${route.key} is as old and comes first by name`;
}

/** An explanation for a terminal. `all` also lists the routes of other listeners; otherwise they are only counted. */
export function printStreamExplanation({ request, listener, considered, winner }: StreamExplanation, all = false): string {
  const { protocol, port, serverName } = request;
  const name = protocol === 'TLS' ? `, server name ${JSON.stringify(serverName)}` : '';
  const listed = considered.filter(({ loss, listener: key }) => all || loss === null || listener.listeners.includes(key));
  return [
    `${protocol} ${protocol === 'UDP' ? 'datagrams' : 'connection'} to port ${port}${name}`,
    `listener  ${listener.listeners.join(' and ') || 'none'}: ${listener.reason}`,
    ...(winner === null
      ? [`winner    none: ${protocol === 'UDP' ? 'datagrams are dropped' : 'the connection is closed'}`]
      : printWinner(winner)),
    ...(listed.length === 0 ? [] : ['tried, in this order']),
    ...listed.flatMap(printConsidered),
    ...(listed.length === considered.length ? [] : [`${considered.length - listed.length} more belong to other listeners`]),
  ].join('\n');
}

function printWinner({ route }: StreamWinner): string[] {
  const rule = `rule ${route.ruleIndex}${route.ruleName === '' ? '' : ` "${route.ruleName}"`}`;
  return [
    `winner    ${route.objectKind} ${route.namespace}/${route.name}, ${rule}`,
    `backends  ${route.backends.map(describeBackend).join(', ') || 'none'}`,
  ];
}

function describeBackend({ cluster, invalidReason, weight }: StreamBackend): string {
  return `${cluster ?? `invalid: ${invalidReason ?? 'no such backend'}`} weight ${weight}`;
}

function printConsidered({ routeKey, listener, hostname, loss }: ConsideredStream): string[] {
  const name = hostname === '' ? '' : `, server name ${hostname}`;
  const head = `${routeKey} on listener ${listener}${name}`;
  return loss === null ? [`  won   ${head}`] : [`  lost  ${head}`, `        ${loss}`];
}
