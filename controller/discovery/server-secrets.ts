// What a source needs from Secrets to talk to a server.
import { createSecureContext } from 'node:tls';
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';
import type { ServerTlsSettings } from '#api/k8s/backend-source/server-access.ts';
import type { SecretContents, SourceTrouble } from '../watch/found.ts';
import type { ServerTls } from '#lib/destination.ts';

/** One entry of a Secret. The reason is a sentence. */
export function entryOf(secrets: SecretContents, name: string, key: string): Result<string> {
  const entries = secrets[name] ?? {};
  const text = Object.hasOwn(entries, key) ? (entries[key] ?? '') : '';
  return text === '' ? err(`Secret ${name} has no entry ${key}`) : ok(text);
}

/** The material of TLS, checked. */
export function tlsOf(settings: ServerTlsSettings, secrets: SecretContents): Result<ServerTls> {
  const { caCertificateRef, clientCertificateRef, serverName } = settings;
  const wanted: readonly (readonly [keyof ServerTls, string | undefined, string])[] = [
    ['ca', caCertificateRef?.name, 'ca.crt'],
    ['certificate', clientCertificateRef?.name, 'tls.crt'],
    ['key', clientCertificateRef?.name, 'tls.key'],
  ];
  const material: Record<string, string> = serverName === undefined ? {} : { serverName };
  for (const [part, name, key] of wanted) {
    if (name === undefined) continue;
    const text = entryOf(secrets, name, key);
    if (!text.ok) return text;
    material[part] = text.value;
  }
  const problem = problemOf(material);
  return problem === null ? ok(material) : err(`the certificates for the server cannot be used: ${problem}`);
}

/** The trouble of a Secret that cannot be used. */
export function secretTrouble(message: string): SourceTrouble {
  return { reason: 'InvalidSecret', message };
}

/** Why Node.js does not take the PEM texts. Its reasons contain no key. */
function problemOf({ ca, certificate, key }: ServerTls): string | null {
  const parts = { ...(ca === undefined ? {} : { ca }), ...(certificate === undefined ? {} : { cert: certificate }) };
  try {
    createSecureContext({ ...parts, ...(key === undefined ? {} : { key }) });
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
