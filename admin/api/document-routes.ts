// The document of the API, and the page that shows it. They need no credentials: they have nothing of an installation.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { API_PREFIX } from './answer.ts';
import { documentOf } from './document.ts';
import { PAGE_POLICY } from './headers.ts';
import type { Area } from './operation.ts';

const FOLDER = path.join(import.meta.dirname, 'docs');

/** The files of the page by their path below /api/v1. */
const FILES = {
  '/docs': { file: 'page.html', type: 'text/html; charset=utf-8' },
  '/docs/page.js': { file: 'page.js', type: 'text/javascript; charset=utf-8' },
  '/docs/page.css': { file: 'page.css', type: 'text/css; charset=utf-8' },
} as const;

/** Adds the routes. The document is made at the first request. */
export function addDocumentRoutes(app: FastifyInstance, areas: readonly Area[]): void {
  let made: { readonly body: string; readonly etag: string } | null = null;
  app.get(`${API_PREFIX}/openapi.json`, (request, reply) => {
    made ??= tagged(documentOf(areas));
    return sendDocument(request, reply, made);
  });
  for (const [url, { file, type }] of Object.entries(FILES)) {
    app.get(`${API_PREFIX}${url}`, async (_, reply) => {
      const content = await readFile(path.join(FOLDER, file));
      return reply.header('content-security-policy', PAGE_POLICY).type(type).send(content);
    });
  }
}

function tagged(body: string): { readonly body: string; readonly etag: string } {
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}

function sendDocument(
  request: FastifyRequest,
  reply: FastifyReply,
  { body, etag }: { readonly body: string; readonly etag: string },
): FastifyReply {
  void reply.header('etag', etag).header('cache-control', 'no-cache');
  return request.headers['if-none-match'] === etag ? reply.code(304).send() : reply.type('application/json').send(body);
}
