// TLSOption of Traefik > tls.options of a listener.
import { Fields } from '../fields.ts';
import type { InputObject } from '../input.ts';
import type { Plan } from '../plan.ts';

const VERSIONS: Readonly<Record<string, string>> = { VersionTLS12: '1.2', VersionTLS13: '1.3' };

/** Names of OpenSSL by those of Go; TLS 1.3 has the same in both. */
const SUITES: Readonly<Record<string, string>> = {
  TLS_AES_128_GCM_SHA256: 'TLS_AES_128_GCM_SHA256',
  TLS_AES_256_GCM_SHA384: 'TLS_AES_256_GCM_SHA384',
  TLS_CHACHA20_POLY1305_SHA256: 'TLS_CHACHA20_POLY1305_SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
};

/** What a TLSOption comes to. */
export interface TlsTerms {
  /** Of the listeners of the route. */
  readonly options: Readonly<Record<string, string>>;
  /** The TLSOption, where it asked clients for certificates. */
  readonly open: readonly string[];
}

const NO_TERMS: TlsTerms = { options: {}, open: [] };

/** The terms of the TLSOption that a route names, or of the one named `default`. */
export function tlsTermsOf(options: Fields, source: InputObject, plan: Plan): TlsTerms {
  const name = options.text('name') ?? 'default';
  const namespace = options.text('namespace') ?? source.namespace;
  const object = plan.find('TLSOption', namespace, name);
  if (object === undefined) {
    if (!options.has('name')) return NO_TERMS;
    const reason = `TLSOption/${namespace}/${name} is not in the files, and may ask clients for certificates`;
    plan.leftOut(source, { field: options.at('name'), reason, advice: 'give weir migrate its file too' });
    return { options: {}, open: [`TLSOption ${name}`] };
  }
  const spec = new Fields(object.value['spec'], 'spec');
  const suites = suitesOf(spec, object, plan);
  const entries = { 'min-version': versionOf(spec, 'minVersion'), 'max-version': versionOf(spec, 'maxVersion'), 'cipher-suites': suites };
  const given = Object.entries(entries).filter(([, value]) => value !== '');
  spec.flag('sniStrict');
  spec.flag('preferServerCipherSuites');
  tellUnread(object, spec, plan);
  const open = spec.has('clientAuth') ? [`TLSOption ${name} (clientAuth)`] : [];
  return { options: Object.fromEntries(given.map(([option, value]) => [`gateway.weir.dev/${option}`, value])), open };
}

function tellUnread(object: InputObject, spec: Fields, plan: Plan): void {
  plan.unread(object, spec, {
    'spec.clientAuth': {
      reason: 'client certificates are a setting of a port of the Gateway, not of one host',
      advice: 'set spec.tls.frontend of the Gateway before you send clients to it',
    },
    'spec.alpnProtocols': { reason: 'this is a setting of a policy', advice: 'write a ClientTrafficPolicy with tls.alpn' },
    'spec.curvePreferences': { reason: 'the names differ', advice: 'write a ClientTrafficPolicy with tls.keyExchanges' },
  });
}

/** Weir has nothing older than TLS 1.2. */
function versionOf(spec: Fields, field: string): string {
  return VERSIONS[spec.text(field) ?? ''] ?? '';
}

function suitesOf(spec: Fields, object: InputObject, plan: Plan): string {
  const names = spec.texts('cipherSuites');
  const refused = names.filter((name) => SUITES[name] === undefined);
  if (refused.length > 0) {
    const reason = `Weir has no suites without forward secrecy and authenticated encryption: ${refused.join(', ')}`;
    plan.leftOut(object, { field: 'spec.cipherSuites', reason });
  }
  return [...new Set(names.flatMap((name) => SUITES[name] ?? []))].join(',');
}
