// The common dependencies of all ports of a worker.
import type { Bugs } from '../exchange/bugs.ts';
import type { RefusedConnections } from '../exchange/refused-connections.ts';
import type { ClaimPort } from '../exchange/port-claim.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { StreamTarget } from '../exchange/stream-session.ts';
import type { StreamPlan } from '../exchange/stream-plan.ts';
import type { BlockedPeers } from './blocked-peers.ts';
import type { Challenges } from './challenges.ts';
import type { Connect } from './connection.ts';
import type { HandshakeCounts } from './handshake-counts.ts';
import type { Identities } from './identity.ts';
import type { ConnectionLimit } from './limits.ts';
import type { ProxyHeaderFailure } from './proxy-header.ts';
import type { ListenerSettings } from './settings.ts';
import type { SpliceSettings } from './splice.ts';

/** The part of a TimerWheel that ports use. */
export type Timers = Pick<TimerWheel, 'arm' | 'disarm'>;

/**
 * Finds the plan for a connection that arrived at one of these listeners (keys) with that server name ('' if absent); null if no route
 * matches.
 */
export type StreamFinder = (listeners: readonly string[], serverName: string) => FoundStream | null;

/** The plan for a connection with its listener, and the client certificate of its Gateway. */
export type FoundStream = Pick<StreamTarget, 'listener' | 'clientIdentity'> & { readonly plan: StreamPlan };

export interface PortContext {
  readonly connect: Connect;
  readonly findStream: StreamFinder;
  readonly splice: SpliceSettings;
  readonly limit: ConnectionLimit;
  readonly blockedPeers: BlockedPeers;
  /** The limit of UDP peers: it is separate, so that forged senders take no connection from others. */
  readonly datagramLimit: ConnectionLimit;
  readonly identities: Identities;
  readonly handshakes: HandshakeCounts;
  readonly challenges: Challenges;
  readonly proxyHeaders: RefusedConnections<ProxyHeaderFailure>;
  readonly bugs: Bugs;
  /** The settings of listeners without policies. */
  readonly settings: ListenerSettings;
  /** The time for open connections of a former protocol of their port, milliseconds. */
  readonly drainTimeout: number;
  /** The address of listeners without an address; '' is all addresses. */
  readonly bindAddress: string;
  readonly wheel: Timers;
  /** Maps the port of a listener to the port to bind. */
  readonly bindPort: (port: number) => number;
  readonly reusePort: boolean;
  /** Called before a port is bound that other workers also bind. */
  readonly claimPort: ClaimPort;
  readonly backlog: number;
  readonly acceptFailed: (error: Error) => void;
  /** The set of addresses that cannot be bound has changed. */
  readonly bindingsChanged: () => void;
}
