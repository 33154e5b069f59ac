// Client certificates (RFC 8446 section 4.4.2): the handshake has verified them against the authorities of the listener.
import type { ConsumersOf } from '../../exchange/consumers.ts';
import type { ClientCertificate, Exchange } from '../../exchange/exchange.ts';
import type { Principal } from '../../exchange/principal.ts';
import type { PolicyFilterContext } from '../rule-policies.ts';
import { ABSENT, refused, type Authenticator, type Outcome, type Watch } from './authenticator.ts';
import { CertificateTerms, type CertificateTermsSettings } from './certificate-terms.ts';
import { consumerOutcome } from './consumer-principal.ts';

export interface CertificateSettings extends CertificateTermsSettings {
  /** The name that is the id of a caller that is no Consumer. */
  readonly identity?: 'Subject' | 'DNSName' | 'URI' | 'Fingerprint';
  readonly consumersOnly?: boolean;
}

export class Certificate implements Authenticator {
  readonly name = 'certificate';
  /** HTTP cannot ask for a certificate. */
  readonly challenge = '';
  readonly #identity: NonNullable<CertificateSettings['identity']>;
  readonly #consumersOnly: boolean;
  readonly #consumers: ConsumersOf;
  readonly #terms: CertificateTerms;

  constructor(settings: CertificateSettings, context: PolicyFilterContext) {
    const { identity = 'Subject', consumersOnly = false } = settings;
    this.#identity = identity;
    this.#consumersOnly = consumersOnly;
    this.#consumers = context.consumers.of(context.namespace);
    this.#terms = new CertificateTerms(settings, context);
  }

  authenticate({ connection }: Exchange): Outcome {
    const certificate = connection.tls?.clientCertificate ?? null;
    if (certificate === null) return ABSENT;
    if (!certificate.verified) return refused(`the client certificate is not valid: ${certificate.problem}`);
    // A connection can outlive the certificate of its handshake.
    if (certificate.validTo < Date.now()) return refused('the client certificate has expired');
    const problem = this.#terms.problemOf(certificate);
    return problem ?? watched(this.#callerOf(certificate), (ended) => this.#terms.watch(certificate, ended));
  }

  #callerOf(certificate: ClientCertificate): Outcome {
    const found = this.#consumers.byCertificate(certificate.names);
    if (found !== null) return withClaims(consumerOutcome(found, 'certificate'), certificate);
    return this.#consumersOnly ? refused('no consumer has this client certificate') : this.#named(certificate);
  }

  /** The certificate belongs to the connection, not to the request. */
  strip(): void {
    return;
  }

  #named(certificate: ClientCertificate): Outcome {
    const { subject, dnsNames, uris, fingerprint } = certificate.names;
    const ids = { Subject: subject, DNSName: dnsNames[0] ?? '', URI: uris[0] ?? '', Fingerprint: fingerprint };
    const id = ids[this.#identity];
    if (id === '') return refused(`the client certificate has no ${this.#identity}`);
    const principal: Principal = { id, method: 'certificate', groups: [], claims: {}, consumer: '', plan: '' };
    return withClaims({ type: 'authenticated', principal, credential: null }, certificate);
  }
}

function watched(outcome: Outcome, watch: Watch): Outcome {
  return outcome.type === 'authenticated' ? { ...outcome, watches: [watch] } : outcome;
}

/** The names of the certificate are claims of its principal. */
function withClaims(outcome: Outcome, { names: { subject, dnsNames, uris, fingerprint } }: ClientCertificate): Outcome {
  if (outcome.type !== 'authenticated') return outcome;
  return { ...outcome, principal: { ...outcome.principal, claims: { subject, dnsNames, uris, fingerprint } } };
}
