// The pages of the documentation in the order of the site's menu. A test holds the list to the files.

/** Groups of pages: a title, and paths below docs/ without `.md`. */
export const PAGES: readonly (readonly [title: string, pages: readonly string[]])[] = [
  ['Begin', ['index', 'guides/install', 'guides/first-route']],
  [
    'Route',
    [
      'guides/tls',
      'guides/acme',
      'guides/grpc',
      'guides/tcp',
      'guides/service-registries',
      'guides/bad-backends',
      'guides/websocket-topics',
    ],
  ],
  [
    'Protect',
    ['guides/jwt', 'guides/oidc', 'guides/api-keys', 'guides/external-authorization', 'guides/rate-limits', 'guides/rate-limits-redis'],
  ],
  [
    'Change',
    [
      'guides/transformation',
      'guides/caching',
      'guides/openapi',
      'guides/grpc-json',
      'guides/first-plugin',
      'guides/wasm-module',
      'guides/external-processor',
    ],
  ],
  [
    'Migrate',
    [
      'guides/migration',
      'guides/migrate-ingress-nginx',
      'guides/migrate-traefik',
      'guides/migrate-envoy-gateway',
      'guides/migrate-gateway-api',
    ],
  ],
  ['Operate', ['guides/troubleshooting', 'guides/observability', 'guides/alerts', 'guides/sizing', 'guides/upgrade', 'guides/uninstall']],
  [
    'Resources',
    [
      'reference/routes',
      'reference/filters',
      'reference/listeners',
      'reference/acme',
      'reference/backends',
      'reference/upstreams',
      'reference/retries',
      'reference/policies',
      'reference/processors',
      'reference/plugins',
      'reference/wasm',
      'reference/cache',
      'reference/openapi',
      'reference/consumers',
      'reference/authentication',
      'reference/authorization',
      'reference/expressions',
      'reference/balancing',
      'reference/health',
      'reference/overload',
      'reference/fleets',
      'reference/resources',
    ],
  ],
  [
    'Protocols',
    [
      'reference/http',
      'reference/grpc',
      'reference/websocket',
      'reference/hub',
      'reference/idempotency',
      'reference/errors',
      'reference/attacks',
    ],
  ],
  [
    'Programs',
    [
      'reference/cli',
      'reference/proxy',
      'reference/controller',
      'reference/operations',
      'reference/store',
      'reference/push',
      'reference/telemetry',
      'reference/window',
      'reference/alerts',
      'reference/chart',
      'reference/metrics',
      'reference/access-log',
      'reference/security-events',
    ],
  ],
];

/** Title of the decisions, which the menu lists by their file names. */
export const DECISIONS = 'Decisions';
