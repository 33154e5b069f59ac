// What all ports of a worker have in common.
import type { Bugs } from '../exchange/bugs.ts';
import type { RefusedConnections } from '../exchange/refused-connections.ts';
import type { ClaimPort } from '../exchange/port-claim.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { StreamTarget } from '../exchange/stream-session.ts';
import type { StreamPlan } from '../exchange/stream-plan.ts';
import type { Connect } from './connection.ts';
import type { HandshakeCounts } from './handshake-counts.ts';
import type { Identities } from './identity.ts';
import type { ConnectionLimit } from './limits.ts';
import type { ProxyHeaderFailure } from './proxy-header.ts';
import type { ListenerSettings } from './settings.ts';
import type { SpliceSettings } from './splice.ts';

/** A clock that rings: the part of a TimerWheel that ports use. */
export type Timers = Pick<TimerWheel, 'arm' | 'disarm'>;

/**
 * What becomes of a connection that came in at one of these listeners (keys) with that server name ('' without one); null when no
 * route wants it.
 */
export type StreamFinder = (listeners: readonly string[], serverName: string) => FoundStream | null;

/** The plan for a connection, with the listener that led to it, and what of its Gateway backends are shown. */
export type FoundStream = Pick<StreamTarget, 'listener' | 'clientIdentity'> & { readonly plan: StreamPlan };

export interface PortContext {
  readonly connect: Connect;
  readonly findStream: StreamFinder;
  readonly splice: SpliceSettings;
  readonly limit: ConnectionLimit;
  /** Of peers of UDP ports: forged senders cost nobody a connection. */
  readonly datagramLimit: ConnectionLimit;
  readonly identities: Identities;
  readonly handshakes: HandshakeCounts;
  readonly proxyHeaders: RefusedConnections<ProxyHeaderFailure>;
  readonly bugs: Bugs;
  /** Of listeners that no policy says anything about. */
  readonly settings: ListenerSettings;
  /** Connections of a protocol that their port no longer speaks may live on for so long, milliseconds. */
  readonly drainTimeout: number;
  /** Where listeners without an address of their own are bound; '' is every address. */
  readonly bindAddress: string;
  readonly wheel: Timers;
  /** From the port of a listener to the port that is bound for it. */
  readonly bindPort: (port: number) => number;
  readonly reusePort: boolean;
  /** Asked before a port is bound that other workers bind too. */
  readonly claimPort: ClaimPort;
  readonly backlog: number;
  readonly acceptFailed: (error: Error) => void;
  /** Other addresses than before cannot be bound. */
  readonly bindingsChanged: () => void;
}
