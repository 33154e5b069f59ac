// `weir cache warm`: the proxies request URLs, some at a time, until their caches have the answers.
import type { FlagGroup, FlagValues } from '#lib/flags.ts';
import { MAX_WARM_CONCURRENCY, MAX_WARM_RATE, MAX_WARMED_URLS } from '#api/wire/telemetry-limits.ts';
import type { WarmedUrl, WarmedUrls } from '../../controller/operations/cache-warming.ts';
import { UsageError } from '../command.ts';
import { callOperation } from './client.ts';
import { commandText } from './command-text.ts';
import { connectionOf, type Connection } from './connection.ts';
import { printAnswer } from './output.ts';
import { tableOf } from './table.ts';
import { MAX_URLS, urlsInFile, urlsInSitemap } from './url-lists.ts';

export const WARM_FLAGS: FlagGroup = {
  title: 'Warm',
  flags: {
    file: { default: '', value: 'FILE', text: 'file with a URL in each line; -: the standard input', multiple: true },
    sitemap: { default: '', value: 'URL|FILE', text: 'sitemap, or index of sitemaps, with the URLs', multiple: true },
    header: { default: '', value: 'NAME:VALUE', text: 'header of the requests, such as Accept-Encoding: gzip', short: 'H', multiple: true },
    port: { default: '0', value: 'PORT', text: 'port of the listener that gets the requests; 0: that of each URL' },
    concurrency: { default: '4', value: 'N', text: `requests of a worker at once, up to ${MAX_WARM_CONCURRENCY}` },
    rate: { default: '50', value: 'N', text: `requests of a proxy per second, up to ${MAX_WARM_RATE}` },
  },
};

/** Longer than the proxies may take, milliseconds. */
const CALL_MS = 300_000;

/** What all calls together have done. */
interface Warmed {
  readonly stored: number;
  /** Stored before. */
  readonly found: number;
  readonly failures: readonly WarmedUrl[];
  readonly missing: WarmedUrls['missing'];
}

/** Runs the command. Returns the exit code. */
export async function warm(values: FlagValues, given: readonly string[]): Promise<number> {
  const urls = [...new Set([...given, ...(await listed(values))])];
  if (urls.length === 0) throw new UsageError('weir cache warm takes URLs, --file FILE or --sitemap URL');
  if (urls.length > MAX_URLS) throw new UsageError(`weir cache warm takes at most ${MAX_URLS} URLs; there are ${urls.length}`);
  const settings = {
    headers: values.list('header').map(headerOf),
    port: values.count('port', 0, 65_535),
    concurrency: values.count('concurrency', 1, MAX_WARM_CONCURRENCY),
    rate: values.count('rate', 1, MAX_WARM_RATE),
  };
  const warmed = await warmAll(await connectionOf(values), urls, settings);
  printAnswer(values, warmed, () => warmedText(warmed));
  if (warmed.missing.length > 0) console.error(`weir: some proxies did not fill their caches\n${commandText({ proxies: warmed.missing })}`);
  return warmed.failures.length + warmed.missing.length > 0 ? 1 : 0;
}

async function listed(values: FlagValues): Promise<readonly string[]> {
  const sitemaps = await Promise.all(values.list('sitemap').map(urlsInSitemap));
  return [...values.list('file').map(urlsInFile), ...sitemaps].flat();
}

function headerOf(text: string): { readonly name: string; readonly value: string } {
  const colon = text.indexOf(':');
  if (colon < 1) throw new UsageError(`--header: ${JSON.stringify(text)} is not NAME:VALUE`);
  return { name: text.slice(0, colon), value: text.slice(colon + 1).trim() };
}

/** Some URLs in each call, so that the progress can be told. */
async function warmAll(connection: Connection, urls: readonly string[], settings: object): Promise<Warmed> {
  let [stored, found] = [0, 0];
  const failures: WarmedUrl[] = [];
  const missing = new Map<string, WarmedUrls['missing'][0]>();
  for (let done = 0; done < urls.length; done += MAX_WARMED_URLS) {
    const body = { urls: urls.slice(done, done + MAX_WARMED_URLS), ...settings };
    const answer = await callOperation<WarmedUrls>(connection, { method: 'POST', path: '/cache/warm', body, timeout: CALL_MS });
    stored += answer.urls.filter(({ outcome }) => outcome === 'stored').length;
    found += answer.urls.filter(({ outcome }) => outcome === 'found').length;
    failures.push(...answer.urls.filter(({ outcome }) => outcome !== 'stored' && outcome !== 'found'));
    for (const end of answer.missing) missing.set(end.proxy, end);
    const requested = done + body.urls.length;
    if (requested < urls.length) console.error(`weir: requested ${requested} of ${urls.length} URLs, ${failures.length} without success`);
  }
  return { stored, found, failures, missing: [...missing.values()] };
}

/** Failures in the table. */
const SHOWN = 100;

function warmedText({ stored, found, failures }: Warmed): string {
  const counts = `stored ${stored} ${stored === 1 ? 'answer' : 'answers'}, found ${found} stored before, ${failures.length} without success`;
  if (failures.length === 0) return counts;
  const rows = failures.slice(0, SHOWN).map(({ url, outcome, status, reason, proxy }) => [url, outcome, String(status), proxy, reason]);
  const rest = failures.length > SHOWN ? [`... and ${failures.length - SHOWN} more: --output json shows all`] : [];
  return [tableOf(['url', 'outcome', 'status', 'proxy', 'reason'], rows), ...rest, counts].join('\n');
}
