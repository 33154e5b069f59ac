// The ordered list of filters. The order is that of the request; answers pass in reverse.
import { cors } from './cors.ts';
import type { FilterKind } from './filter.ts';
import { requestHeaderModifier, responseHeaderModifier } from './header-modifier.ts';
import { requestMirror } from './request-mirror.ts';
import { requestRedirect } from './request-redirect.ts';
import { urlRewrite } from './url-rewrite.ts';

export const FILTERS: readonly FilterKind[] = Object.freeze([
  // Answers a preflight before other filters act on it.
  cors,
  // A redirect answers, so later filters have nothing to do.
  requestRedirect,
  requestHeaderModifier,
  // Mirrors get the modified headers but the original path.
  requestMirror,
  urlRewrite,
  responseHeaderModifier,
]);
