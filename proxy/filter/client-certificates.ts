// Refuses requests by the client certificate of their connection (`clientCertificates` of a SecurityPolicy): it is revoked, or has another
// key or other names than the permitted ones. The listener has verified the rest.
import { ERRORS } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { refuse } from '../exchange/local-reply.ts';
import type { FilterVerdict } from '../exchange/plan.ts';
import type { SecurityEvents } from '../exchange/security-events.ts';
import { Slot } from '../exchange/slot.ts';
import { CertificateTerms, type CertificateProblem, type CertificateTermsSettings } from './authentication/certificate-terms.ts';
import { RevocationWatch } from './authentication/revocation-watch.ts';
import type { Filter, FilterKind } from './filter.ts';
import type { PolicyFilterContext } from './rule-policies.ts';

const WATCH = new Slot<() => void>();

class ClientCertificates implements Filter {
  readonly name = 'clientCertificates';
  readonly #terms: CertificateTerms;
  readonly #security: SecurityEvents;
  readonly #policy: string;
  readonly #revocations: RevocationWatch;

  constructor(settings: CertificateTermsSettings, revocations: RevocationWatch, context: PolicyFilterContext) {
    this.#revocations = revocations;
    this.#terms = new CertificateTerms(settings, context);
    this.#security = context.security;
    this.#policy = context.origins[0]?.policy ?? '';
  }

  /** A client without a valid certificate is anonymous: the mode of the listener decides whether it may come. */
  request(exchange: Exchange): FilterVerdict {
    const certificate = exchange.connection.tls?.clientCertificate ?? null;
    if (certificate === null || !certificate.verified) return 'continue';
    const problem = this.#terms.problemOf(certificate);
    if (problem !== null) return this.#refuse(exchange, problem);
    this.#revocations.begin(exchange, { credential: null, watches: [(ended) => this.#terms.watch(certificate, ended)] });
    return 'continue';
  }

  ended(exchange: Exchange): void {
    this.#revocations.stop(exchange);
  }

  #refuse(exchange: Exchange, problem: CertificateProblem): FilterVerdict {
    const isKnown = problem.type !== 'unavailable';
    const event = isKnown ? 'authentication_failed' : 'authentication_unavailable';
    this.#security.emit(event, exchange, { reason: problem.reason, policy: this.#policy });
    return refuse(exchange, isKnown ? ERRORS.authenticationFailed : ERRORS.authenticationUnavailable);
  }
}

export const clientCertificates: FilterKind = {
  name: 'clientCertificates',
  ofPolicies: (policies) => {
    if (policies.settings('SecurityPolicy').settings.clientCertificates === undefined) return null;
    return policies.filterOf('SecurityPolicy', ['clientCertificates', 'revocation'], (settings, context) => {
      const revocations = new RevocationWatch(context, settings.revocation?.openRequests === 'Close', WATCH);
      return new ClientCertificates(settings.clientCertificates ?? {}, revocations, context);
    });
  },
};
