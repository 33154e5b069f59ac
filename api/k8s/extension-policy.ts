// ExtensionPolicy: code and services of users that process requests and answers.
import { plugin } from './extension/plugin.ts';
import { position } from './extension/position.ts';
import { processor } from './extension/processor.ts';
import { wasm } from './extension/wasm.ts';
import { GATEWAY_TARGET, GRPC_ROUTE_TARGET, HTTP_ROUTE_TARGET, LISTENER_SET_TARGET, policyKind } from './policy.ts';

export const extensionPolicy = policyKind({
  kind: 'ExtensionPolicy',
  plural: 'extensionpolicies',
  shortNames: ['xp'],
  description:
    'Extensions of the chain of filters: external processors, plugins, WebAssembly modules, and their place in the chain. While a policy is invalid, its targets answer 500. For each field the nearest policy wins: rule, route, listener, ListenerSet, Gateway.',
  targets: [GATEWAY_TARGET, LISTENER_SET_TARGET, HTTP_ROUTE_TARGET, GRPC_ROUTE_TARGET],
  // An extension may be what refuses or masks.
  protects: true,
  appliesTo: 'rule',
  // A proxy without it runs no extension: the status of the policy says so.
  additions: [{ capability: 'extension-policy', path: '', otherwise: 'withhold' }],
  settings: { position, processor, plugin, wasm },
});
