// Lists of URLs for `weir cache warm`: files with a URL in each line, and sitemaps (sitemaps.org), also compressed ones and indexes of them.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { SaxesParser } from 'saxes';
import { UsageError } from '../command.ts';

/** The limits of the protocol of sitemaps: bytes of a file without compression, and sitemaps of an index. */
const MAX_SITEMAP_BYTES = 50 * 1_048_576;
const MAX_SITEMAPS = 50_000;
/** URLs of a call. */
export const MAX_URLS = 100_000;
const FETCH_MS = 30_000;

/** The URLs of a file, one in each line; `-`: the standard input. Empty lines and those that begin with `#` are left out. */
export function urlsInFile(file: string): readonly string[] {
  const text = readFileSync(file === '-' ? 0 : file, 'utf8');
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

/** The URLs of a sitemap at a URL or in a file. */
export async function urlsInSitemap(place: string): Promise<readonly string[]> {
  const { urls, sitemaps } = readSitemap(place, await bytesOf(place));
  if (sitemaps.length > MAX_SITEMAPS) throw new UsageError(`${place} names more than ${MAX_SITEMAPS} sitemaps`);
  const all = [...urls];
  for (const sitemap of sitemaps) {
    const inner = readSitemap(sitemap, await bytesOf(childOf(place, sitemap)));
    if (inner.sitemaps.length > 0) throw new UsageError(`${sitemap} is an index within the index ${place}; name it itself`);
    for (const url of inner.urls) all.push(url);
    if (all.length > MAX_URLS) throw new UsageError(`${place} has more than ${MAX_URLS} URLs; name its sitemaps one by one`);
  }
  return all;
}

/** An index may name sitemaps of its own host only: nothing else is asked for its sake. */
function childOf(index: string, sitemap: string): string {
  const [outer, inner] = [URL.parse(index), URL.parse(sitemap)];
  if (inner !== null && /^https?:$/.test(inner.protocol) && (outer === null || outer.host === inner.host)) return sitemap;
  throw new UsageError(`${index} names the sitemap ${JSON.stringify(sitemap)}, which is not at its host`);
}

async function bytesOf(place: string): Promise<Buffer> {
  try {
    const bytes = /^https?:\/\//.test(place) ? await fetched(place) : readFileSync(place);
    const isCompressed = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return isCompressed ? gunzipSync(bytes, { maxOutputLength: MAX_SITEMAP_BYTES }) : bytes;
  } catch (error) {
    throw new UsageError(`the sitemap ${place} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function fetched(url: string): Promise<Buffer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS) });
  if (!response.ok || response.body === null) throw new Error(`the server answers with ${response.status}`);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body) {
    if ((bytes += part.length) > MAX_SITEMAP_BYTES) throw new Error(`it has more than ${MAX_SITEMAP_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

interface Sitemap {
  readonly urls: readonly string[];
  /** Of an index. */
  readonly sitemaps: readonly string[];
}

/** Entities of a document type are not read, so they cannot grow. */
function readSitemap(place: string, bytes: Buffer): Sitemap {
  const [urls, sitemaps]: [string[], string[]] = [[], []];
  const path: string[] = [];
  let text = '';
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw new UsageError(`${place} is no sitemap: ${error.message}`);
  });
  parser.on('opentag', ({ name }) => {
    path.push(name.replace(/^.*:/, ''));
    text = '';
  });
  const add = (part: string): void => void (text += part);
  parser.on('text', add);
  parser.on('cdata', add);
  parser.on('closetag', () => {
    const inner = path.join('/');
    path.pop();
    if (inner === 'urlset/url/loc') urls.push(text.trim());
    if (inner === 'sitemapindex/sitemap/loc') sitemaps.push(text.trim());
  });
  parser.write(bytes.toString('utf8')).close();
  return { urls, sitemaps };
}
