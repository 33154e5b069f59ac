// The Secret by which the proxies of a fleet and the controllers know each other: a certificate that says which Gateway they serve.
import type { CertificateAuthority, CertificateHolder } from '#lib/certificate-authority.ts';
import type { DesiredFleet } from '../compile/result.ts';
import { fleetIdentity } from '../compile/fleet-identity.ts';
import { metadataFor, nameOf, type FleetSettings, type Manifest } from './manifest.ts';

export function credentialsName(fleet: Pick<DesiredFleet, 'gateway'>): string {
  return `${nameOf(fleet).name}-credentials`;
}

/** The data of a credentials Secret, as PEM. */
export interface Credentials {
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
}

/** Not of type kubernetes.io/tls: what controllers read as certificates of listeners, users may refer to. */
export function credentials(fleet: DesiredFleet, settings: FleetSettings, { ca, certificate, privateKey }: Credentials): Manifest {
  const encode = (pem: string): string => Buffer.from(pem).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: { ...metadataFor(fleet, settings), name: credentialsName(fleet) },
    data: { 'ca.crt': encode(ca), 'tls.crt': encode(certificate), 'tls.key': encode(privateKey) },
  };
}

/** Since when, milliseconds since the epoch, and for how long certificates are good. */
export interface Times {
  readonly now: number;
  readonly lifetime: number;
}

/** New ones. A proxy shows its certificate when it connects, and reads the files anew each time. */
export function issueCredentials(fleet: Pick<DesiredFleet, 'gateway'>, authority: CertificateAuthority, times: Times): Credentials {
  return { ca: authority.bundle, ...authority.issue({ commonName: fleet.gateway, holder: holderOf(fleet), ...times }) };
}

/** What a certificate in a Secret says of itself. Never of the key: that is not kept. */
export interface CredentialsState {
  readonly ca: string;
  readonly certificate: string;
}

/** Whether the credentials there are serve their purpose, and will for a third of their lifetime. */
export function areFresh(
  fleet: Pick<DesiredFleet, 'gateway'>,
  { ca, certificate }: CredentialsState,
  authority: CertificateAuthority,
  { now, lifetime }: Times,
): boolean {
  return ca === authority.bundle && authority.vouchesFor(certificate, holderOf(fleet), now + lifetime / 3);
}

function holderOf({ gateway }: Pick<DesiredFleet, 'gateway'>): CertificateHolder {
  return { kind: 'client', uri: fleetIdentity(gateway) };
}
