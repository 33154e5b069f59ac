// The Secret by which the proxies of a fleet and the controllers know each other: a certificate that says which Gateway they serve.
import { X509Certificate } from 'node:crypto';
import type { CertificateAuthority } from '#lib/certificate-authority.ts';
import type { DesiredFleet } from '../compile/result.ts';
import { fleetIdentity } from '../compile/fleet-identity.ts';
import { metadataFor, nameOf, type FleetSettings, type Manifest } from './manifest.ts';

/** A proxy shows its certificate when it connects, and reads the files anew each time. */
const LIFETIME_MS = 30 * 86_400_000;
/** Renewed when a third of the lifetime is left. */
const RENEW_MS = LIFETIME_MS / 3;
/** Clocks differ. */
const SKEW_MS = 3_600_000;

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

/** New ones. */
export function issueCredentials(fleet: Pick<DesiredFleet, 'gateway'>, authority: CertificateAuthority, now: number): Credentials {
  const issued = authority.issue({
    commonName: fleet.gateway,
    uri: fleetIdentity(fleet.gateway),
    notBefore: now - SKEW_MS,
    notAfter: now + LIFETIME_MS,
  });
  return { ca: authority.certificate, ...issued };
}

/** What a certificate in a Secret says of itself. Never of the key: that is not kept. */
export interface CredentialsState {
  readonly ca: string;
  readonly certificate: string;
}

/** Whether the credentials there are serve their purpose, and will for a while. */
export function areFresh(
  fleet: Pick<DesiredFleet, 'gateway'>,
  state: CredentialsState,
  authority: CertificateAuthority,
  now: number,
): boolean {
  try {
    const certificate = new X509Certificate(state.certificate);
    const isOurs = certificate.subjectAltName === `URI:${fleetIdentity(fleet.gateway)}` && state.ca === authority.certificate;
    const signer = new X509Certificate(authority.certificate);
    if (!isOurs || !certificate.verify(signer.publicKey)) return false;
    return Date.parse(certificate.validTo) - RENEW_MS > now;
  } catch {
    return false;
  }
}
