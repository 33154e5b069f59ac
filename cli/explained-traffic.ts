// The traffic of an address: a request, or a connection that is passed on. The protocols of the listeners of the port decide.
import net from 'node:net';
import type * as ir from '#api/ir/ir.ts';
import { ListenerIndex } from '#api/match/listener-index.ts';
import type { StreamRequest } from '#api/match/explain-stream.ts';
import { agree, speaks, tlsUse } from '../proxy/listener/protocol.ts';
import type { PortProtocol } from '../proxy/listener/protocol.ts';
import type { Address } from './explained-address.ts';

/** `none`: no traffic, and the reason. */
export type Traffic =
  | { readonly kind: 'request'; readonly url: string }
  | { readonly kind: 'stream'; readonly request: StreamRequest }
  | { readonly kind: 'none'; readonly reason: string };

/** The traffic of an address, given all listeners of a proxy. */
export function trafficTo(address: Address, listeners: readonly ir.Listener[]): Traffic {
  const { scheme, port } = address;
  const here = listeners.filter((listener) => listener.port === port);
  const streams = here.filter(({ protocol }) => protocol !== 'UDP');
  const isUdp = scheme === 'udp' || (scheme === null && streams.length === 0);
  if (isUdp && here.length > streams.length) return { kind: 'stream', request: { protocol: 'UDP', port, serverName: '' } };
  if (isUdp || streams.length === 0) return { kind: 'none', reason: noListener(port, isUdp && scheme === 'udp', listeners) };
  const protocol = protocolOf(streams);
  if (protocol === 'TCP') return { kind: 'stream', request: { protocol, port, serverName: '' } };
  return protocol === 'TLS' ? trafficOverTls(address, streams) : clearTraffic(address);
}

/** A port without a served listener has the protocol that its unserved listeners ask for. */
function protocolOf(listeners: readonly ir.Listener[]): PortProtocol {
  const { served, protocol } = agree(listeners, null);
  return served.length > 0 ? protocol : (listeners.map(speaks).find((spoken) => spoken !== null) ?? protocol);
}

/** On a TLS port the server name decides. */
function trafficOverTls(address: Address, listeners: readonly ir.Listener[]): Traffic {
  const { scheme, port } = address;
  if (scheme === 'http' || scheme === 'tcp') return mismatch(address, 'TLS', 'https or tls');
  const serverName = serverNameOf(address);
  const terminates = isForRequests(serverName, listeners);
  if (scheme === 'https' && terminates) return { kind: 'request', url: `https://${address.rest}` };
  if (scheme === 'tls' && terminates) return mismatch(address, 'HTTPS', 'https');
  // The proxy passes TLS on without decryption, so HTTP inside is not a request.
  if (!terminates) return { kind: 'stream', request: { protocol: 'TLS', port, serverName } };
  return { kind: 'request', url: `https://${address.rest}` };
}

function clearTraffic(address: Address): Traffic {
  const { scheme, rest } = address;
  if (scheme === null || scheme === 'http') return { kind: 'request', url: `http://${rest}` };
  return mismatch(address, 'HTTP', 'http');
}

/** An IP address is not a server name (RFC 6066 section 3). */
function serverNameOf({ host }: Address): string {
  return net.isIP(host) === 0 ? host : '';
}

/** Whether the listeners of a server name take requests. If no listener has the name, all listeners of the port must take requests. */
function isForRequests(serverName: string, listeners: readonly ir.Listener[]): boolean {
  const { served, unserved } = agree(listeners, null);
  const all = [...served, ...unserved];
  const group = ListenerIndex.EMPTY.with(all, []).owner(serverName);
  const owners = group === null ? all : all.filter(({ hostname }) => hostname === group.hostname);
  return owners.every((listener) => tlsUse(listener) === 'requests');
}

function mismatch({ scheme, port }: Address, speaks: PortProtocol | 'HTTPS', schemes: string): Traffic {
  return {
    kind: 'none',
    reason: `the listeners of port ${port} speak ${speaks}, not ${scheme ?? ''}: the connection ends; use ${schemes}`,
  };
}

function noListener(port: number, ofUdp: boolean, listeners: readonly ir.Listener[]): string {
  const ports = [...new Set(listeners.map(({ port: each, protocol }) => `${each} (${protocol})`))].join(', ');
  return `no ${ofUdp ? 'UDP ' : ''}listener has port ${port}; the ports are: ${ports || 'none'}`;
}
