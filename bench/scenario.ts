// What every peer is configured for: the same hundred routes in front of the same origin.

/** Where load comes in and where it goes. */
export interface Scenario {
  readonly listenPort: number;
  readonly originPort: number;
  /** Folder for the configuration of the peer. */
  readonly folder: string;
  readonly routes: number;
  /** Peers terminate TLS with it: 1.3 with AES-256, HTTP/1.1 inside, cleartext to the origin. Paths of PEM files. */
  readonly certificate?: { readonly certificate: string; readonly privateKey: string };
}

/** A proxy under test. */
export interface Peer {
  readonly name: string;
  /** It can terminate TLS in a scenario. */
  readonly terminatesTls: boolean;
  /** Why it cannot run here, or null. */
  missing(): string | null;
  /** The command that serves the scenario; configuration files are written first. */
  command(scenario: Scenario): { readonly file: string; readonly args: readonly string[]; readonly env?: NodeJS.ProcessEnv };
}

/** Path prefix of a route. Requests go to one in the middle. */
export function routePath(index: number): string {
  return `/service-${index}`;
}
