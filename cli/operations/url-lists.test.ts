// Lists of URLs from files and from sitemaps of a real server.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { urlsInFile, urlsInSitemap } from './url-lists.ts';

const PAGES = '<?xml version="1.0"?><urlset><url><loc> https://a.example/?x=1&amp;y=2 </loc><priority>1</priority></url></urlset>';
const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-urls-'));
const files = new Map<string, string | Buffer>();
const server = http.createServer(({ url = '' }, response) => {
  const file = files.get(url);
  response.writeHead(file === undefined ? 404 : 200).end(file);
});

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => {
  rmSync(folder, { recursive: true });
  server.close();
});

/** The URL of a file of the server. */
function put(name: string, content: string | Buffer): string {
  files.set(name, content);
  return `http://127.0.0.1:${(server.address() as net.AddressInfo).port}${name}`;
}

const indexOf = (...places: readonly string[]): string =>
  `<s:sitemapindex xmlns:s="a">${places.map((place) => `<s:sitemap><s:loc><![CDATA[${place}]]></s:loc></s:sitemap>`).join('')}</s:sitemapindex>`;

test('a file has a URL in each line', () => {
  const file = path.join(folder, 'list');
  writeFileSync(file, '# pages\r\nhttps://a.example/\r\n\n  https://a.example/b  \n');
  expect(urlsInFile(file)).toEqual(['https://a.example/', 'https://a.example/b']);
});

describe('a sitemap', () => {
  test('may be a file, a URL, compressed, or an index of others', async () => {
    const file = path.join(folder, 'sitemap.xml');
    writeFileSync(file, PAGES);
    const [plain, compressed] = [put('/1.xml', PAGES), put('/2.xml.gz', gzipSync(PAGES.replace('a.example', 'b.example')))];
    const index = put('/index.xml', indexOf(plain, compressed));
    const [first, second] = ['https://a.example/?x=1&y=2', 'https://b.example/?x=1&y=2'];
    expect(await Promise.all([file, plain, index].map(urlsInSitemap))).toEqual([[first], [first], [first, second]]);
  });

  test.each([
    ['that names one of another host', indexOf('http://169.254.169.254/latest'), 'is not at its host'],
    ['that names a file', indexOf('file:///etc/passwd'), 'is not at its host'],
    ['that names a path', indexOf('/etc/passwd'), 'is not at its host'],
    ['that is no XML', 'https://a.example/', 'is no sitemap'],
    ['with an entity of its own', '<!DOCTYPE urlset [<!ENTITY a "b">]><urlset><url><loc>&a;</loc></url></urlset>', 'is no sitemap'],
    ['that grows beyond the limit of sitemaps', gzipSync(Buffer.alloc(51 * 1_048_576)), 'cannot be read'],
  ])('%s is refused', async (_, content, reason) => {
    await expect(urlsInSitemap(put('/bad.xml', content))).rejects.toThrow(reason);
  });

  test('within another index is refused, and one that does not exist too', async () => {
    const outer = put('/outer.xml', indexOf(put('/inner.xml', indexOf(put('/3.xml', PAGES)))));
    await expect(urlsInSitemap(outer)).rejects.toThrow('is an index within the index');
    await expect(urlsInSitemap(put('/gone.xml', '').replace('gone', 'none'))).rejects.toThrow('answers with 404');
  });
});
