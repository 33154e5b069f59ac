// Weir with one thing more for its routes: a limit, API keys, signed tokens, a plugin, or a cache.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ISSUER } from '../load/tokens.ts';
import type { Peer } from '../scenario.ts';
import { weir, weirOf } from './weir.ts';

const TARGET = '[{ group: gateway.networking.k8s.io, kind: Gateway, name: bench }]';
const OWN = path.resolve(import.meta.dirname, '..', '..');

/** Weir with these documents of YAML and these flags beside its own. */
function secured(name: string, documents: readonly string[], flags: readonly string[] = []): Peer {
  const plain = weirOf(name, OWN);
  return {
    ...plain,
    plain: weir.name,
    command(scenario) {
      const command = plain.command(scenario);
      writeFileSync(path.join(scenario.folder, name, 'security.yaml'), documents.join('\n---\n'));
      return { ...command, args: [...command.args, ...flags] };
    },
  };
}

/** One limit of all requests of an address, which no run reaches. */
export function limitedWeir(name: string, store: 'Local' | 'Redis', flags: readonly string[] = []): Peer {
  const limit = `{ name: all, key: [{ clientIP: {} }], requests: 1000000000, per: 1h, store: ${store} }`;
  const spec = `{ targetRefs: ${TARGET}, limits: [${limit}] }`;
  return secured(name, [weirObject('RateLimitPolicy', spec)], flags);
}

/** API keys in the header `x-api-key`, and a Consumer with this one. */
export function keyedWeir(name: string, key: string): Peer {
  const spec = `{ targetRefs: ${TARGET}, authentication: { apiKey: { from: [{ header: x-api-key }] } } }`;
  const consumer = '{ credentials: [{ apiKey: { secretRef: { name: bench-key }, key: key } }] }';
  return secured(name, [weirObject('SecurityPolicy', spec), weirObject('Consumer', consumer), secret('bench-key', 'key', key)]);
}

/** Bearer tokens of one issuer, whose key set is in a Secret. */
export function tokenWeir(name: string, keySet: string): Peer {
  const keys = '{ secretRef: { name: bench-keys }, key: jwks }';
  const provider = `{ issuer: '${ISSUER}', jwks: { keys: ${keys} } }`;
  const spec = `{ targetRefs: ${TARGET}, authentication: { jwt: { providers: [${provider}] } } }`;
  return secured(name, [weirObject('SecurityPolicy', spec), secret('bench-keys', 'jwks', keySet)]);
}

/** A plugin that reads one header and adds another. */
export function pluginWeir(name: string): Peer {
  const source = "export default { onRequest({ headers }) { headers.set('x-plugin', headers.get('user-agent') ?? 'none'); } };";
  const spec = `{ targetRefs: ${TARGET}, plugin: { module: { configMapRef: { name: bench-plugin }, key: plugin.js } } }`;
  const code = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: bench-plugin }\ndata: { plugin.js: ${JSON.stringify(source)} }`;
  return secured(name, [weirObject('ExtensionPolicy', spec), code]);
}

/** A cache for all routes. */
export function cachingWeir(name: string): Peer {
  return secured(name, [weirObject('HTTPPolicy', `{ targetRefs: ${TARGET}, cache: { store: Memory } }`)]);
}

function weirObject(kind: string, spec: string): string {
  return `apiVersion: gateway.weir.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: bench }\nspec: ${spec}`;
}

function secret(name: string, key: string, value: string): string {
  return `apiVersion: v1\nkind: Secret\nmetadata: { name: ${name} }\ndata: { ${key}: ${Buffer.from(value).toString('base64')} }`;
}
