// The IR under one name: `import * as ir from '#api/ir/ir.ts'`, then `ir.Route`.
export * from './challenge.ts';
export * from './cluster.ts';
export * from './endpoints.ts';
export * from './filter.ts';
export * from './listener-key.ts';
export * from './listener.ts';
export * from './object-data.ts';
export * from './policy.ts';
export * from './resource-id.ts';
export * from './resource-kind.ts';
export * from './resource.ts';
export * from './route.ts';
export * from './secret.ts';
export * from './session-keys.ts';
export * from './stream-route.ts';
export * from './tls-settings.ts';
export * from './trust-bundle.ts';
