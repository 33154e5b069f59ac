// The credentials Secret of a fleet: the certificate of its proxies, which names their Gateway, and the CA of the controllers.
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

/** Not of type kubernetes.io/tls: listeners of users must not be able to use it. */
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

/** Start of the validity, milliseconds since the epoch, and its length. */
export interface Times {
  readonly now: number;
  readonly lifetime: number;
}

/** Issues credentials. A proxy reads the files again for each connection. */
export function issueCredentials(fleet: Pick<DesiredFleet, 'gateway'>, authority: CertificateAuthority, times: Times): Credentials {
  return { ca: authority.bundle, ...authority.issue({ commonName: fleet.gateway, holder: holderOf(fleet), ...times }) };
}

/** The certificates of a Secret. Its key is not kept. */
export interface CredentialsState {
  readonly ca: string;
  readonly certificate: string;
}

/** Whether the credentials are valid, and stay valid for a third of their lifetime. */
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
