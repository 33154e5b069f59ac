// What every peer is configured for: the same hundred routes in front of the same origin, for one kind of traffic.

/** What comes in, or goes out: bytes as they are, HTTP/1.1, or HTTP/2 by prior knowledge or by ALPN. */
export type Protocol = 'tcp' | 'http1' | 'h2';

/** Where load comes in and where it goes. */
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
  /** Peers terminate TLS with it, 1.3 and AES-256 where they can be told. Paths of PEM files; null without TLS. */
  readonly certificate: { readonly certificate: string; readonly privateKey: string } | null;
}

/** A kind of traffic, in what a peer needs to know of it. */
export type Traffic = Pick<Scenario, 'downstream' | 'upstream' | 'upgrades'> & { readonly tls: boolean };

/** A proxy under test. */
export interface Peer {
  readonly name: string;
  /** Whether it can carry this at all. */
  carries(traffic: Traffic): boolean;
  /** Why it cannot run here, or null. */
  missing(): string | null;
  /** It writes an access log to standard output, which a process on the core of the load reads. */
  readonly logs?: boolean;
  /** The command that serves the scenario; configuration files are written first. */
  command(scenario: Scenario): { readonly file: string; readonly args: readonly string[]; readonly env?: NodeJS.ProcessEnv };
}

/** Path prefix of a route. Requests go to one in the middle. */
export function routePath(index: number): string {
  return `/service-${index}`;
}
