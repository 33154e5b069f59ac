// `tls.options` of a listener: keys with the prefix of Weir (docs/reference/listeners.md). Values are strings; commas separate list items.
import type { TlsSettings } from '#api/ir/ir.ts';
import { ALPN_PROTOCOLS, CIPHER_SUITES, KEY_EXCHANGES, TLS_VERSIONS } from '#lib/tls-names.ts';
import { WEIR_GROUP } from '#api/k8s/schema.ts';
import { err, ok, type Result } from '#lib/result.ts';

/** Reads one value; the error says which values are valid. */
type Read = (value: string) => Result<TlsSettings>;

const OPTIONS: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['min-version', (value) => oneOf(TLS_VERSIONS, value, (minVersion) => ({ minVersion }))],
  ['max-version', (value) => oneOf(TLS_VERSIONS, value, (maxVersion) => ({ maxVersion }))],
  ['cipher-suites', (value) => listOf(CIPHER_SUITES, value, (cipherSuites) => ({ cipherSuites }))],
  ['key-exchanges', (value) => listOf(KEY_EXCHANGES, value, (keyExchanges) => ({ keyExchanges }))],
  ['ocsp-stapling', (value) => oneOf(['on', 'off'], value, (found) => ({ ocspStapling: found === 'on' }))],
  ['alpn', (value) => listOf(ALPN_PROTOCOLS, value, (alpn) => ({ alpn }))],
]);

const PREFIX = `${WEIR_GROUP}/`;

/** The settings in the options, or the first invalid option. */
export function readTlsOptions(options: Readonly<Record<string, string>>): Result<TlsSettings> {
  let settings: TlsSettings = {};
  for (const [key, value] of Object.entries(options).sort()) {
    const read = key.startsWith(PREFIX) ? OPTIONS.get(key.slice(PREFIX.length)) : undefined;
    if (read === undefined)
      return err(`${key} is not a known option; known options are ${[...OPTIONS.keys()].map((name) => PREFIX + name).join(', ')}`);
    const result = read(value);
    if (!result.ok) return err(`${key} ${result.error}`);
    settings = { ...settings, ...result.value };
  }
  return settings.minVersion === '1.3' && settings.maxVersion === '1.2'
    ? err(`${PREFIX}max-version is below ${PREFIX}min-version`)
    : ok(settings);
}

function oneOf<T extends string>(known: readonly T[], value: string, toSettings: (value: T) => TlsSettings): Result<TlsSettings> {
  const found = known.find((each) => each === value.trim());
  return found === undefined ? err(`must be one of ${known.join(', ')}`) : ok(toSettings(found));
}

function listOf<T extends string>(known: readonly T[], value: string, toSettings: (values: T[]) => TlsSettings): Result<TlsSettings> {
  const found = value.split(',').map((item) => known.find((each) => each === item.trim()));
  const values = found.filter((each) => each !== undefined);
  if (values.length < found.length) return err(`must be a list of ${known.join(', ')}, separated by commas`);
  return ok(toSettings([...new Set(values)]));
}
