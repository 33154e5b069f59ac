// The configuration of all peers: the same hundred routes in front of the same origin, for one kind of traffic.

/** Protocol of clients or of the origin: raw bytes, HTTP/1.1, or HTTP/2 by prior knowledge or by ALPN. */
export type Protocol = 'tcp' | 'http1' | 'h2';

/** Address of the load and of the origin. */
export interface Scenario {
  readonly listenPort: number;
  readonly originPort: number;
  /** Folder for the configuration of the peer. */
  readonly folder: string;
  readonly routes: number;
  readonly downstream: Protocol;
  /** Cleartext always. */
  readonly upstream: Protocol;
  /** Requests to switch protocols are passed on. */
  readonly upgrades: boolean;
  /** The certificate with which peers terminate TLS, 1.3 and AES-256 if configurable. Paths of PEM files; null without TLS. */
  readonly certificate: { readonly certificate: string; readonly privateKey: string } | null;
  /** Limits towards the origin; critical requests (`x-priority: critical`) come first where the peer can. Absent: those of the peer. */
  readonly limits?: OriginLimits;
  /** Several origins in place of `originPort`, and the choice among them. */
  readonly balancing?: { readonly ports: readonly number[]; readonly algorithm: Algorithm };
}

/** The choice among origins. Least request: of two random ones where the peer does so, otherwise of all. */
export type Algorithm = 'round robin' | 'least request' | 'peak ewma';

/** The ports of all origins of a scenario. */
export function originPorts({ originPort, balancing }: Scenario): readonly number[] {
  return balancing?.ports ?? [originPort];
}

/** Connections to the origin, requests that wait for one, and for how long. */
export interface OriginLimits {
  readonly connections: number;
  readonly pending: number;
  readonly pendingMs: number;
}

/** A kind of traffic: the facts that peers need. */
export type Traffic = Pick<Scenario, 'downstream' | 'upstream' | 'upgrades'> & { readonly tls: boolean };

/** A proxy under test. */
export interface Peer {
  readonly name: string;
  /** Whether the peer supports it. */
  carries(traffic: Traffic): boolean;
  /** Why the peer cannot run here, or null. */
  missing(): string | null;
  /** It writes an access log to standard output, which a process on the core of the load reads. */
  readonly logs?: boolean;
  /** The name of the same peer without what this one does more, for their ratio. */
  readonly plain?: string;
  /** The command that serves the scenario; configuration files are written first. */
  command(scenario: Scenario): { readonly file: string; readonly args: readonly string[]; readonly env?: NodeJS.ProcessEnv };
}

/** Path prefix of a route. Requests use one in the middle. */
export function routePath(index: number): string {
  return `/service-${index}`;
}
