// SecurityPolicy: the requests that may reach a route, and what browsers may do with the answers.
import { GATEWAY_TARGET, GRPC_ROUTE_TARGET, HTTP_ROUTE_TARGET, LISTENER_SET_TARGET, policyKind } from './policy.ts';
import { authentication } from './security/authentication.ts';
import { authorization } from './security/authorization.ts';
import { clientCertificates } from './security/certificate-terms.ts';
import { credentialInjection } from './security/credential-injection.ts';
import { cors } from './security/cors.ts';
import { forwardedClientCert } from './security/forwarded-client-cert.ts';
import { csrf } from './security/csrf.ts';
import { headersToBackend } from './security/headers-to-backend.ts';
import { ipAccess } from './security/ip-access.ts';
import { requestLimits } from './security/request-limits.ts';
import { requestSigning } from './security/request-signing.ts';
import { revocation } from './security/revocation.ts';
import { securityHeaders } from './security/security-headers.ts';
import { threats } from './security/threats.ts';

export const securityPolicy = policyKind({
  kind: 'SecurityPolicy',
  plural: 'securitypolicies',
  shortNames: ['sp'],
  description:
    'The requests that may reach a route: authentication, authorization, addresses of clients, sizes of bodies, CORS, security headers, blocks of attackers. While a policy is invalid, its targets answer 500. For each field the nearest policy wins: rule, route, listener, ListenerSet, Gateway.',
  targets: [GATEWAY_TARGET, LISTENER_SET_TARGET, HTTP_ROUTE_TARGET, GRPC_ROUTE_TARGET],
  protects: true,
  consumers: ['authentication'],
  appliesTo: 'rule',
  // A proxy without it protects nothing: the status of the policy says so.
  additions: [{ capability: 'security-policy', path: '', otherwise: 'withhold' }],
  settings: {
    clientCertificates,
    authentication,
    revocation,
    authorization,
    headersToBackend,
    forwardedClientCert,
    credentialInjection,
    requestSigning,
    cors,
    csrf,
    ipAccess,
    requestLimits,
    securityHeaders,
    threats,
  },
});
