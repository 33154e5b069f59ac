// The kinds under one name: `import type * as k8s from '#api/k8s/k8s.ts'`, then `k8s.HttpRoute`.
export * from './backend.ts';
export * from './backend-tls-policy.ts';
export * from './consumer.ts';
export * from './core.ts';
export * from './gateway-class.ts';
export * from './gateway-parameters.ts';
export * from './gateway.ts';
export * from './grpc-route.ts';
export * from './http-filter.ts';
export * from './http-route.ts';
export * from './listener-set.ts';
export * from './reference-grant.ts';
export * from './reference.ts';
export * from './stream-rule.ts';
export * from './tcp-route.ts';
export * from './tls-route.ts';
export * from './udp-route.ts';
