// The phases of the request path, made once for a worker, and the ways from each to the others.
import { Admission } from './admission.ts';
import type { AdmissionOptions } from './admission.ts';
import { BackendChoice } from './backend-choice.ts';
import { Bodies } from './bodies.ts';
import { Endings } from './endings.ts';
import type { ExchangeError } from './exchange/errors.ts';
import type { Exchange } from './exchange/exchange.ts';
import type { Limits } from './exchange/limits.ts';
import type { OpenConnections } from './exchange/open-connections.ts';
import type { GateListener } from './exchange/plan.ts';
import { Filtering } from './filtering.ts';
import { LocalStreams } from './local-streams.ts';
import { Trying } from './trying.ts';
import { Attempts } from './upstream/attempts.ts';
import type { Gathering } from './upstream/gathering.ts';
import { Retries } from './upstream/retries.ts';
import type { DeadlineListener } from './upstream/timeout.ts';
import { Tunnels } from './upstream/tunnels.ts';

/** The dependencies of the phases. */
export interface PhasesOptions extends Omit<AdmissionOptions, 'endings' | 'deadlines'> {
  readonly connections: OpenConnections;
  readonly gathering: Gathering;
  readonly limits: Pick<Limits, 'maxReplayBytes' | 'filterTimeout'>;
  /** The workers of the proxy, which share its limits; 1 by default. */
  readonly workers?: number | undefined;
}

/** The path, as its phases call it. */
export interface PhasesPath extends DeadlineListener, GateListener {
  requestFailed(exchange: Exchange, error: ExchangeError): void;
  withdrawn(exchange: Exchange, error: ExchangeError): void;
  failed(exchange: Exchange, bug: unknown): void;
}

export interface Phases {
  readonly admission: Admission;
  readonly filtering: Filtering;
  readonly choice: BackendChoice;
  readonly attempts: Attempts;
  readonly retries: Retries;
  readonly trying: Trying;
  readonly bodies: Bodies;
  readonly tunnels: Tunnels;
  readonly endings: Endings;
}

/** The parts of the path that no other class has. */
export interface OwnPhases {
  /** All filters have let the exchange through. */
  readonly forward: (exchange: Exchange) => void;
  /** The last phase. */
  readonly record: (exchange: Exchange) => void;
}

export function makePhases(options: PhasesOptions, path: PhasesPath, { forward, record }: OwnPhases): Phases {
  const { events, connections, wheel, gathering, limits, workers } = options;
  const [deadlines, retries] = [path, new Retries({ workers })];
  const attempts = new Attempts({ wheel, limits, deadlines, events });
  const failed = (exchange: Exchange, bug: unknown): void => path.failed(exchange, bug);
  const endings: Endings = new Endings({
    ...{ attempts, gathering, wheel, limits, events, failed, record },
    send: (exchange, chunk) => bodies.sendAnswer(exchange, chunk),
    stream: (exchange, stream) => {
      if (stream.tunnel === null) connections.begin(exchange);
      streams.begin(exchange, stream);
    },
  });
  const admission = new Admission({ ...options, endings, deadlines });
  const filtering = new Filtering({ endings, wheel, limits, events, stage: (exchange, added) => bodies.stage(exchange, added), failed });
  const choice = new BackendChoice({ endings, filtering, wheel, deadlines, forward });
  const trying = new Trying({ attempts, retries, endings });
  const tunnels = makeTunnels(options, endings);
  const bodies = new Bodies({
    ...{ gathering, wheel, limits, workers, tunnels, failed },
    gathered: (exchange) => trying.begin(exchange),
    refused: (exchange, error) => path.requestFailed(exchange, error),
    tunnelEnded: (exchange) => endings.finish(exchange),
  });
  const streams = new LocalStreams({
    openTunnel: (exchange) => tunnels.openOwn(exchange),
    stopTimeouts: (exchange) => tunnels.stopTimeouts(exchange),
    send: (exchange, chunk) => bodies.sendAnswer(exchange, chunk),
    ends: (exchange, trailers) => endings.answerEnds(exchange, trailers),
    fail: (exchange, error) => path.withdrawn(exchange, error),
    failed,
  });
  return { admission, filtering, choice, attempts, retries, trying, bodies, tunnels, endings };
}

function makeTunnels({ wheel, connections, events }: PhasesOptions, endings: Endings): Tunnels {
  return new Tunnels(wheel, {
    opened: (exchange) => {
      connections.begin(exchange);
      if (exchange.upgrade === 'websocket') events.webSocketOpened?.(exchange);
    },
    closed: (exchange) => endings.finish(exchange),
    torn: (exchange, error) => endings.cut(exchange, error),
  });
}
