// The ordered list of filters. The order is that of the request; answers pass in reverse.
import { compression } from './compression/compression.ts';
import { decompression } from './compression/decompression.ts';
import { bodyLog } from './body-log.ts';
import { cache } from './cache/cache.ts';
import { cacheStorage } from './cache/cache-storage.ts';
import { cors } from './cors.ts';
import { authentication } from './authentication/authentication.ts';
import { authorization } from './authorization.ts';
import { csrf } from './csrf.ts';
import { directResponse } from './fixed-answers/direct-response.ts';
import { maintenance } from './fixed-answers/maintenance.ts';
import { events } from './events/events.ts';
import { errorPages } from './error-pages/error-pages.ts';
import { externalAuth } from './external-auth.ts';
import type { FilterKind } from './filter.ts';
import { forwardedClientCert } from './forwarded-client-cert.ts';
import { credentialInjection } from './credential-injection.ts';
import { headersToBackend, identityHeaders } from './headers-to-backend.ts';
import { grpcMessages } from './grpc-messages/grpc-messages.ts';
import { grpcMethods } from './grpc-methods/grpc-methods.ts';
import { grpcJson } from './grpc-json/grpc-json.ts';
import { grpcWeb } from './grpc-web/grpc-web.ts';
import { hub } from './hub/hub.ts';
import { idempotency } from './idempotency/idempotency.ts';
import { idempotencyStorage } from './idempotency/idempotency-storage.ts';
import { clientCertificates } from './client-certificates.ts';
import { ipAccess } from './ip-access.ts';
import { earlyLimits, limits } from './limits.ts';
import { plugin } from './plugin/plugin.ts';
import { wasm } from './plugin/wasm.ts';
import { processor } from './processor/processor.ts';
import { openapi } from './openapi/openapi.ts';
import { requestHeaderModifier, responseHeaderModifier } from './header-modifier.ts';
import { decodedLimits, requestLimits } from './request-limits/request-limits.ts';
import { requestMirror } from './request-mirror.ts';
import { requestSigning } from './request-signing.ts';
import { requestRedirect } from './request-redirect.ts';
import { securityHeaders } from './security-headers.ts';
import { blockedCallers, threats } from './threats/threats.ts';
import { requestTransformation } from './transformation/request-transformation.ts';
import { responseTransformation } from './transformation/response-transformation.ts';
import { urlRewrite } from './url-rewrite.ts';

export const FILTERS: readonly FilterKind[] = Object.freeze([
  // Costs nothing for a blocked source, and sees every answer.
  threats,
  // Counts every call, whatever ends it.
  grpcMethods,
  // All others see a gRPC call.
  grpcWeb,
  // The last to change a body that is not gRPC.
  compression,
  // Before it: comments must be compressed too.
  events,
  // After all that change an answer, so that it sees the last status.
  errorPages,
  // After all that makes pages and messages, before they are compressed.
  bodyLog,
  // Answers a preflight before other filters act on it.
  cors,
  // Before anything that costs more than a look at the address.
  ipAccess,
  // Before anything trusts the names of the certificate.
  clientCertificates,
  // Before anything reads them.
  identityHeaders,
  // Before anything reads a body.
  requestLimits,
  // A flood costs no check of credentials.
  earlyLimits,
  authentication,
  blockedCallers,
  authorization,
  csrf,
  // Of the rule, after what policies demand of every rule.
  externalAuth,
  limits,
  // After the filters that verify a body as it was sent.
  decompression,
  decodedLimits,
  // After all that refuses, before all that a backend needs.
  maintenance,
  // What a client sent, before it is changed for a backend.
  openapi,
  directResponse,
  // Also an answer in place of a backend.
  hub,
  // A request that is refused or answered before takes no key; extensions see a repeated request not at all.
  idempotency,
  // Extensions see only what may pass, and before what rewrites it; a policy may place them elsewhere.
  processor,
  plugin,
  wasm,
  // A redirect answers, so later filters have nothing to do.
  requestRedirect,
  requestHeaderModifier,
  // Mirrors get the modified headers but the original path.
  requestMirror,
  urlRewrite,
  // After the modifiers of the rule: it sees the request as they leave it.
  requestTransformation,
  // After all that changes what the answer depends on, and before identities and credentials of the proxy: a request is judged by those
  // of its client.
  cache,
  // After the modifiers of the rule, so that none of them replaces an identity.
  headersToBackend,
  // After it: no header about the caller replaces a credential.
  credentialInjection,
  forwardedClientCert,
  // Also after the filters of the backend: it signs what the backend gets.
  requestSigning,
  // After the modifier of the rule, which an answer passes first.
  responseTransformation,
  responseHeaderModifier,
  // The first to change an answer: a rule may set its own headers.
  securityHeaders,
  // Before anything changes an answer: the store has what the backend sent.
  cacheStorage,
  // As the cache.
  idempotencyStorage,
  // All others see JSON both ways, but for those of the backend.
  grpcJson,
  // Next to the backend: all others see messages as the rules leave them, and answers without what is masked.
  grpcMessages,
]);
