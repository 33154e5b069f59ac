// Tells the backend about the verified client certificate in X-Forwarded-Client-Cert, in the form of Envoy (`forwardedClientCert` of a
// SecurityPolicy). The proxy has removed such a header of the client before.
import type { Exchange } from '../exchange/exchange.ts';
import { setHeader } from '../exchange/headers.ts';
import type { FilterVerdict } from '../exchange/plan.ts';
import type { Filter, FilterKind } from './filter.ts';

class ForwardedClientCert implements Filter {
  readonly name = 'forwardedClientCert';

  request({ connection, requestHeaders }: Exchange): FilterVerdict {
    const certificate = connection.tls?.clientCertificate ?? null;
    if (certificate?.verified !== true) return 'continue';
    const { fingerprint, subject, uris, dnsNames } = certificate.names;
    const elements = [
      `Hash=${fingerprint}`,
      `Subject=${quoted(subject)}`,
      ...uris.map((uri) => `URI=${value(uri)}`),
      ...dnsNames.map((name) => `DNS=${value(name)}`),
    ];
    setHeader(requestHeaders, 'x-forwarded-client-cert', elements.join(';'));
    return 'continue';
  }
}

/** Text with a separator is quoted. */
function value(text: string): string {
  return /[",;=\\\s]/.test(text) ? quoted(text) : ascii(text);
}

function quoted(text: string): string {
  return `"${ascii(text).replaceAll(/["\\]/g, '\\$&')}"`;
}

/** Bytes beyond printable ASCII as in URIs: a name cannot break out of the header. */
function ascii(text: string): string {
  return text.replaceAll(/[^ -~]+/g, (part) => encodeURIComponent(part.toWellFormed()));
}

export const forwardedClientCert: FilterKind = {
  name: 'forwardedClientCert',
  ofPolicies: (policies) => {
    if (policies.settings('SecurityPolicy').settings.forwardedClientCert !== 'Details') return null;
    return policies.filterOf('SecurityPolicy', ['forwardedClientCert'], () => new ForwardedClientCert());
  },
};
