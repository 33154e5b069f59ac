// Weir itself, as `weir up` serves a folder: one worker, metrics on, access log off.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { routePath } from '../scenario.ts';
import type { Peer, Scenario } from '../scenario.ts';

function documents(scenario: Scenario): string[] {
  const gateway = [
    'apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: weir }\nspec: { controllerName: gateway.weir.dev/controller }',
    `apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: bench }\nspec:\n  gatewayClassName: weir\n  listeners: [{ name: http, protocol: HTTP, port: ${scenario.listenPort} }]`,
    `apiVersion: gateway.weir.dev/v1alpha1\nkind: Backend\nmetadata: { name: origin }\nspec: { endpoints: [{ ip: 127.0.0.1, port: ${scenario.originPort} }] }`,
  ];
  return [...gateway, ...Array.from({ length: scenario.routes }, (_, index) => route(index))];
}

function route(index: number): string {
  const rule = `{ matches: [{ path: { type: PathPrefix, value: ${routePath(index)} } }], backendRefs: [{ group: gateway.weir.dev, kind: Backend, name: origin }] }`;
  return `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: r${index} }\nspec: { parentRefs: [{ name: bench }], rules: [${rule}] }`;
}

export const weir: Peer = {
  name: 'weir',
  missing: () => null,
  command(scenario) {
    const folder = path.join(scenario.folder, 'weir');
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'bench.yaml'), documents(scenario).join('\n---\n'));
    const main = path.resolve(import.meta.dirname, '..', '..', 'cli', 'weir.ts');
    return {
      file: process.execPath,
      args: [main, 'up', folder, '--workers', '1', '--access-log', 'off', '--log-level', 'error'],
    };
  },
};
